{#-
    dbt's check of a contract, for models with `meta: {entity: <name>}`: the
    contract also holds the entity's declared columns that the YAML does not list.
    So a new column of an entity needs no line of YAML.
-#}
{% macro default__get_assert_columns_equivalent(sql) -%}
    {%- set entity = config.get('meta', {}).get('entity') -%}
    {%- if entity -%}
        {%- do model.update({'columns': with_declared_columns(entity, model.columns)}) -%}
    {%- endif -%}
    {{- return(assert_columns_equivalent(sql)) -}}
{%- endmacro %}

{#- The columns of a contract; missing declared columns follow the last declared one. -#}
{% macro with_declared_columns(entity, listed) -%}
    {%- set declared = entity_columns(entity) | map(attribute='name') | list -%}
    {%- set missing = entity_columns(entity) | rejectattr('name', 'in', listed) | list -%}
    {%- set last = listed | select('in', declared) | list | last -%}
    {%- set columns = {} -%}
    {%- for name, column in listed.items() -%}
        {%- do columns.update({name: column}) -%}
        {%- for new in missing if name == last -%}
            {%- do columns.update({new.name: {
                'name': new.name, 'data_type': sql_type(new.type), 'constraints': [],
            }}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}
