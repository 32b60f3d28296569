{% test has_one_row(model) %}

select count(*) as found
from {{ model }}
having count(*) <> 1

{% endtest %}
