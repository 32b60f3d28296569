{#- No text, or nothing but spaces. '!' is the first sign after the space: only
    what sorts before it needs trimming, which is most of the cost. -#}
{% macro is_blank(column) -%}
    ({{ column }} is null or ({{ column }} < '!' and trim({{ column }}) = ''))
{%- endmacro %}

{#- Where a staging model keeps a column as it was received. -#}
{% macro as_received(name, type) -%}
    {{- return(name if type == 'text' else 'received_' ~ name) -}}
{%- endmacro %}
