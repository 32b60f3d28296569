{% set time_format = shop_value('users', 'time_format', 'iso') %}

with

shop as (
    select declared_as_of from {{ ref('stg_shop') }}
),

received as (
    select * from {{ source('raw', 'users') }}
),

typed as (
    select
        user_id,
        signed_up_at as received_signed_up_at,
        {{ parse_time('signed_up_at', time_format) }} as signed_up_at,
        country,
        birth_year as received_birth_year,
        try_cast(birth_year as integer) as birth_year,
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
),

final as (
    select
        typed.*,
        {{ reject_reasons('users') }} as reject_reasons
    from typed
    cross join shop
)

select * from final
