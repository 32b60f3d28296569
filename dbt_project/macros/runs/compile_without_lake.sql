{#-
    dbt lists the relations of the warehouse before it compiles, though nothing
    here asks for them. `dbt compile` lists none, so that it opens no warehouse and
    works in a checkout without a lake.
-#}
{% macro duckdb__list_relations_without_caching(schema_relation) -%}
    {%- if flags.WHICH == 'compile' -%}
        {{- return([]) -}}
    {%- endif -%}
    {{- return(dbt.duckdb__list_relations_without_caching(schema_relation)) -}}
{%- endmacro %}
