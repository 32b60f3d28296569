{#-
    No two rows agree in all of `columns`. Only rows whose hash occurs twice
    are compared.
-#}
{% test unique_combination(model, columns) %}

with

repeated as (
    select {{ key_hash(columns) }} as key_hash
    from {{ model }}
    group by 1
    having count(*) > 1
)

select
    {{ columns | join(', ') }},
    count(*) as times
from {{ model }}
where {{ key_hash(columns) }} in (select key_hash from repeated)
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
