{#-
    The columns of an entity's accepted records, from `staged`: as staging has
    them, with the shop's fill where a value is missing.

    trimmed  columns that lose the spaces around their text
-#}
{% macro accepted_columns(entity, trimmed=[]) -%}
{%- for column in entity_columns(entity) -%}
    {%- set value = accepted_value(entity, column) | trim %}
        {{ 'trim(' ~ value ~ ')' if column.name in trimmed else value }} as {{ column.name }}
    {{- ',' if not loop.last -}}
{%- endfor -%}
{%- endmacro %}

{% macro accepted_value(entity, column) -%}
    {%- set staged = 'staged.' ~ column.name -%}
    {%- set filled = rules_of(entity)
        | selectattr('column_name', 'equalto', column.name)
        | selectattr('outcome', 'equalto', 'filled') | first -%}
    {%- if not filled -%}
        {{ staged }}
    {%- elif column.type == 'text' -%}
        case when {{ is_blank(staged) }} then {{ literal_of(filled, filled.fill) }} else trim({{ staged }}) end
    {%- else -%}
        cast(coalesce({{ staged }}, {{ literal_of(filled, filled.fill) }}) as {{ sql_type(column.type) }})
    {%- endif -%}
{%- endmacro %}

{#- Staged records of an entity; those without a partner in set_aside are accepted. -#}
{% macro accepted_records(entity) -%}
    {{ ref('stg_' ~ entity) }} as staged
    left join {{ ref('int_' ~ entity ~ '__set_aside') }} as set_aside
        on
            staged._batch_id = set_aside._batch_id
            and staged._record = set_aside._record
{%- endmacro %}

{#-
    Staged records of an entity. Of a list that is made from other records, only the
    entries that one of these gives: what was never accepted says nothing of the past either.
-#}
{% macro given_records(entity) -%}
    {%- if not givers_of(entity) -%}
    {{ ref('stg_' ~ entity) }}
    {%- else -%}
    (
        select staged.*
        from {{ accepted_records(entity) }}
        where coalesce(set_aside.outcome, '') <> 'filtered'
    ) as given
    {%- endif -%}
{%- endmacro %}

{#- The columns of an entity but some, from the relation of this alias. -#}
{% macro columns_of(alias, entity, but=[]) -%}
{%- set names = [] -%}
{%- for column in entity_columns(entity) if column.name not in but -%}
    {%- do names.append(alias ~ '.' ~ column.name) -%}
{%- endfor -%}
{{ names | join(',\n        ') }}
{%- endmacro %}
