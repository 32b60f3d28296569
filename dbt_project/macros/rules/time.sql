{#-
    The time lies outside of the shop's opening, or in the future: later than the
    last ingest or transform, and for something that happened also than the shop's
    declared clock. So a record is accepted when its time has come. A time may be up
    to `ahead` seconds later than its record was received, to allow for clock skew.
-#}
{% macro rule_time(rule) -%}
    {%- set column = 'staged.' ~ rule.column_name -%}
    {%- set present = 'greatest(staged._loaded_at, shop.judged_at)' -%}
    {%- if rule.bounds -%}
    {{ is_outside(rule, column) }}
    {%- elif rule.ahead -%}
    {{ column }} > least(staged.received_at, {{ present }}) + interval {{ rule.ahead }} second
    {%- else -%}
    {{ column }} > {{ present }}
    {%- endif -%}
    {%- if rule.by_clock %} or {{ column }} > shop.declared_as_of {%- endif -%}
{%- endmacro %}
