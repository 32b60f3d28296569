{#- The canonical entities; keys of this mapping are the models of their accepted records. -#}
{% macro shop_entities() -%}
    {{- return({
        'users': 'int_users__accepted',
        'products': 'int_products__accepted',
        'ratings': 'fct_ratings',
        'transactions': 'fct_transactions',
        'events': 'fct_events',
    }) -}}
{%- endmacro %}
