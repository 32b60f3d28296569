{{ config(
    materialized='table' if declaration().cancellations is defined else 'ephemeral'
) }}
{{ matched_cancellations() }}
