{#- The same set as recomart.events.EVENT_TYPES; a test holds them equal. -#}
{% macro event_types() -%}
    'impression', 'view', 'click', 'favorite', 'add_to_cart',
    'remove_from_cart', 'purchase'
{%- endmacro %}
