{#-
    The select list of stg_<entity>: each column of the entity with its
    type and, unless that is text, also as it was received. Reads raw.<entity>.
-#}
{% macro staged_columns(entity) -%}
{%- for column in entity_columns(entity) -%}
    {%- set name = column.name -%}
    {%- if column.type != 'text' %}
        {{ name }} as {{ as_received(name, column.type) }},
        {{ typed_value(entity, column) }} as {{ name }}
    {%- elif column.blank_is_null %}
        case when not {{ is_blank(name) }} then {{ name }} end as {{ name }}
    {%- else %}
        {{ name }}
    {%- endif -%}
    {{- ',' if not loop.last -}}
{%- endfor -%}
{%- endmacro %}

{#- A text as received as a value of its column's type; null where it is none. -#}
{% macro typed_value(entity, column) -%}
    {%- if column.type == 'time' -%}
        {{- parse_time_of(entity, column.name) -}}
    {%- else -%}
        {{- parse_value(column.name, column.type) -}}
    {%- endif -%}
{%- endmacro %}

{#- The SQL type of a type of columns. -#}
{% macro sql_type(type) -%}
    {%- set types = {
        'text': dbt.type_string(),
        'number': 'decimal(18,4)',
        'integer': 'integer',
        'time': 'timestamp',
        'boolean': 'boolean',
    } -%}
    {%- if type not in types -%}
        {{- exceptions.raise_compiler_error(
            'the entities have a column of the type "' ~ type ~ '", which '
            ~ 'macros/entities/staged_columns.sql does not know: add it to sql_type'
        ) -}}
    {%- endif -%}
    {{- return(types[type]) -}}
{%- endmacro %}
