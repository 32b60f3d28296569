{#-
    The time lies outside of the shop's opening, or in the future: later than the
    record's load, and for something that happened also than the shop's declared
    clock. A time may be up to `ahead` seconds later than its record was
    received (than its load, at the latest), to allow for clock skew.
-#}
{% macro rule_time(rule) -%}
    {%- set column = 'staged.' ~ rule.column_name -%}
    {%- if rule.bounds -%}
    {{ is_outside(rule, column) }}
    {%- elif rule.ahead -%}
    {{ column }} > least(staged.received_at, staged._loaded_at) + interval {{ rule.ahead }} second
    {%- else -%}
    {{ column }} > staged._loaded_at
    {%- endif -%}
    {%- if rule.by_clock %} or {{ column }} > shop.declared_as_of {%- endif -%}
{%- endmacro %}
