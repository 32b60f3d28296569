{{ config(
    materialized='table' if declaration().cancellations is defined else 'ephemeral'
) }}
{{ set_aside('transactions') }}
