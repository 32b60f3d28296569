{#-
    A later record has the same key (set_aside() numbers the versions and copies of
    one). With the same content it is a copy, else an older version.
-#}
{% macro rule_unique(rule) -%}
    ranked.version > 1
    and ranked.copy {{ '> 1' if rule.outcome == 'deduplicated' else '= 1' }}
{%- endmacro %}
