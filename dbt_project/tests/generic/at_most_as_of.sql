{#- No time is later than the shop's clock. -#}
{% test at_most_as_of(model, column_name) %}

select model.{{ column_name }}
from {{ model }} as model
cross join {{ ref('dim_shop') }} as shop
where model.{{ column_name }} > shop.as_of

{% endtest %}
