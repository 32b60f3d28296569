{#-
    Every value lies between at_least and at_most, both included; null passes.
-#}
{% test accepted_range(
    model, column_name, at_least=none, at_most=none
) %}

select {{ column_name }}
from {{ model }}
where
    {{ column_name }} < {{ at_least if at_least is not none else column_name }}
    or {{ column_name }} > {{ at_most if at_most is not none else column_name }}

{% endtest %}
