{#- A text of the shop file as a literal. -#}
{% macro text_literal(text) -%}
    {{- return(adapter.dispatch('text_literal')(text)) -}}
{%- endmacro %}

{% macro default__text_literal(text) -%}
    {{- return("'" ~ (text | replace("'", "''")) ~ "'") -}}
{%- endmacro %}

{% macro spark__text_literal(text) -%}
    {{- return(
        "'" ~ (text | replace("\\", "\\\\") | replace("'", "\\'")) ~ "'"
    ) -}}
{%- endmacro %}

{#- A bound or fill of a rule as a literal of its column's type. -#}
{% macro literal_of(rule, text) -%}
    {%- if text == 'year_of_load' -%}
        {{- return('extract(year from staged._loaded_at)') -}}
    {%- elif rule.data_type == 'time' -%}
        {{- return("timestamp " ~ text_literal(text)) -}}
    {%- elif rule.data_type == 'text' -%}
        {{- return(text_literal(text)) -}}
    {%- endif -%}
    {{- return(text) -}}
{%- endmacro %}
