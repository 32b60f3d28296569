{#-
    Whether a value lies outside of a rule's bounds; null for no value. A number that
    staging rounded to a bound is compared as it was received: 5.00004 is above 5.
-#}
{% macro is_outside(rule, column) -%}
    {%- set bounds = rule.bounds -%}
    {%- set outside = [] -%}
    {%- if bounds.low -%}
        {%- do outside.append(
            column ~ (' <= ' if bounds.low_open else ' < ')
            ~ literal_of(rule, bounds.low)
        ) -%}
        {%- do outside.append(rounded_to(rule, bounds.low, '<')) -%}
    {%- endif -%}
    {%- if bounds.high -%}
        {%- do outside.append(
            column ~ (' >= ' if bounds.high_open else ' > ')
            ~ literal_of(rule, bounds.high)
        ) -%}
        {%- do outside.append(rounded_to(rule, bounds.high, '>')) -%}
    {%- endif -%}
    {{- return('(' ~ outside | select | join(' or ') ~ ')') -}}
{%- endmacro %}

{#-
    Whether only rounding puts a number on a bound that it is beyond; none for other
    types. A text of three signs or fewer is never rounded.
-#}
{% macro rounded_to(rule, bound, beyond) -%}
    {%- if rule.data_type == 'number' -%}
        {%- set received = 'staged.' ~ as_received(rule.column_name, rule.data_type) -%}
        {{- return(
            '(staged.' ~ rule.column_name ~ ' = ' ~ bound ~ ' and length(' ~ received ~ ') > 3'
            ~ ' and ' ~ parse_exact_number(received) ~ ' ' ~ beyond ~ ' ' ~ bound ~ ')'
        ) -}}
    {%- endif -%}
    {{- return('') -}}
{%- endmacro %}
