{#- No text, or nothing but spaces. '!' is the first sign after the space: only
    what sorts before it needs trimming, which is most of the cost. -#}
{% macro is_blank(column) -%}
    ({{ column }} is null or ({{ column }} < '!' and trim({{ column }}) = ''))
{%- endmacro %}

{#- Where a staging model keeps a column as it was received. -#}
{% macro as_received(rule) -%}
    {{- return(
        rule.column_name if rule.data_type == 'text' else 'received_' ~ rule.column_name
    ) -}}
{%- endmacro %}

{#-
    The codes of the rules that a row of stg_<entity> breaks by itself, joined by
    commas in the rules' order; null when it breaks none. Reads the columns of
    staging, and declared_as_of of `shop`.
-#}
{% macro reject_reasons(entity) -%}
    {%- set broken = [] -%}
    {%- for rule in rules_of(entity) if rule.outcome == 'quarantined' -%}
        {%- set condition = breaks(rule) -%}
        {%- if condition -%}
            {%- do broken.append(
                "case when " ~ condition ~ " then '" ~ rule.code ~ "' end"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    nullif(concat_ws(',',
        {%- for case in broken or ["''"] %}
        {{ case }}{{ "," if not loop.last }}
        {%- endfor %}
    ), '')
{%- endmacro %}

{#- When a row breaks a rule; none for rules that need other rows. -#}
{% macro breaks(rule) -%}
    {%- set column = rule.column_name -%}
    {%- if rule.kind == 'required' -%}
        {{- return(is_blank(as_received(rule))) -}}
    {%- elif rule.kind == 'type' -%}
        {{- return(
            column ~ ' is null and not ' ~ is_blank(as_received(rule))
        ) -}}
    {%- elif rule.kind == 'range' -%}
        {{- return(is_outside(rule, column)) -}}
    {%- elif rule.kind == 'one_of' -%}
        {%- set listed = [] -%}
        {%- for text in rule['values'] -%}
            {%- do listed.append(text_literal(text)) -%}
        {%- endfor -%}
        {{- return(
            column ~ ' not in (' ~ listed | join(', ') ~ ') and not '
            ~ is_blank(column)
        ) -}}
    {%- elif rule.kind == 'time' and rule.bounds -%}
        {{- return(is_outside(rule, column)) -}}
    {%- elif rule.kind == 'time' -%}
        {#- Later than its own load, or (something that happened) than the
            shop's declared clock. A time that has a tolerance may be so many
            seconds ahead of when its record was received, for clocks differ. -#}
        {%- if rule.tolerance -%}
            {{- return(
                column ~ ' > least(received_at, _loaded_at) + interval '
                ~ rule.tolerance ~ ' second or ' ~ column ~ ' > shop.declared_as_of'
            ) -}}
        {%- endif -%}
        {%- if rule.entity in ['ratings', 'transactions'] -%}
            {{- return(
                column ~ ' > _loaded_at or ' ~ column ~ ' > shop.declared_as_of'
            ) -}}
        {%- endif -%}
        {{- return(column ~ ' > _loaded_at') -}}
    {%- endif -%}
    {{- return(none) -}}
{%- endmacro %}
