{#-
    The rules of an entity as the shop declares them, in their order: mappings
    with the fields of recomart.rules.rule.Rule. raw._shop holds them, written by
    `recomart ingest` and `recomart transform`; the models compile from them, so
    that no rule stands here. Empty while dbt only parses.
-#}
{% macro rules_of(entity) -%}
    {%- set rules = [] -%}
    {%- if execute -%}
        {%- set relation = source('raw', '_shop') -%}
        {%- set found = run_query(
            "select entity, value from " ~ relation ~ " where key = 'rule'"
        ) -%}
        {%- if not found.rows -%}
            {{ exceptions.raise_compiler_error(
                "raw._shop holds no rules: this lake is older than them. Run "
                ~ "'recomart transform' (or 'recomart ingest') once, which write them; "
                ~ "then dbt by hand works too."
            ) }}
        {%- endif -%}
        {%- for row in found.rows if row[0] == entity -%}
            {%- do rules.append(fromjson(row[1])) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(rules | sort(attribute='place')) -}}
{%- endmacro %}

{#- The rule of this kind for a column; none when there is none. -#}
{% macro rule_of(entity, column, kind) -%}
    {{- return(
        rules_of(entity)
        | selectattr('column_name', 'equalto', column)
        | selectattr('kind', 'equalto', kind)
        | first | default(none)
    ) -}}
{%- endmacro %}

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
{% macro rule_literal(rule, text) -%}
    {%- if text == 'year_of_load' -%}
        {{- return('extract(year from _loaded_at)') -}}
    {%- elif rule.data_type == 'time' -%}
        {{- return("timestamp " ~ text_literal(text)) -}}
    {%- elif rule.data_type == 'text' -%}
        {{- return(text_literal(text)) -}}
    {%- endif -%}
    {{- return(text) -}}
{%- endmacro %}

{#- Whether a value lies outside of a rule's bounds; null for no value. -#}
{% macro is_outside(rule, column) -%}
    {%- set bounds = rule.bounds -%}
    {%- set outside = [] -%}
    {%- if bounds.low is not none -%}
        {%- do outside.append(
            column ~ (' <= ' if bounds.low_open else ' < ')
            ~ rule_literal(rule, bounds.low)
        ) -%}
    {%- endif -%}
    {%- if bounds.high is not none -%}
        {%- do outside.append(
            column ~ (' >= ' if bounds.high_open else ' > ')
            ~ rule_literal(rule, bounds.high)
        ) -%}
    {%- endif -%}
    {{- return('(' ~ outside | join(' or ') ~ ')') -}}
{%- endmacro %}
