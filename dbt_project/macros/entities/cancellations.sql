{#-
    The typed order lines of `received`. Where the shop declares cancellations, also
    is_cancellation and cancelled_order, and a cancellation's amounts without the sign.
-#}
{% macro typed_order_lines() -%}
{%- if not cancellations_of('transactions') -%}
    select
        {{ staged_columns('transactions') }},
        _batch_id,
        _source_file,
        _record,
        _loaded_at
    from received
{%- else -%}
    select
        {%- for column in entity_columns('transactions') %}
        {%- if column.type != 'text' %}
        marked.{{ as_received(column.name, column.type) }},
        {%- endif %}
        {%- if column.name in ['quantity', 'unit_price', 'line_total'] %}
        case
            when marked.is_cancellation then abs(marked.{{ column.name }})
            else marked.{{ column.name }}
        end as {{ column.name }},
        {%- else %}
        marked.{{ column.name }},
        {%- endif %}
        {%- endfor %}
        marked.is_cancellation,
        case when marked.is_cancellation then marked._cancelled_order end
            as cancelled_order,
        marked._batch_id,
        marked._source_file,
        marked._record,
        marked._loaded_at
    from (
        select
            lines.*,
            {{ is_cancellation('lines') }} as is_cancellation
        from (
            select
                {{ staged_columns('transactions') }},
                _cancels,
                _cancelled_order,
                _batch_id,
                _source_file,
                _record,
                _loaded_at
            from received
        ) as lines
    ) as marked
{%- endif -%}
{%- endmacro %}

{#- Whether a line of this alias is a cancellation; never null. -#}
{% macro is_cancellation(alias) -%}
    {%- set declared = cancellations_of('transactions') -%}
    {%- set marks = ['coalesce(' ~ alias ~ '._cancels, false)'] -%}
    {%- if declared.negative_quantity -%}
        {%- do marks.append('coalesce(' ~ alias ~ '.quantity < 0, false)') -%}
    {%- endif -%}
    {%- if declared.order_prefix -%}
        {%- do marks.append(
            'coalesce(substr(' ~ alias ~ '.order_id, 1, ' ~ declared.order_prefix | length
            ~ ') = ' ~ text_literal(declared.order_prefix) ~ ', false)'
        ) -%}
    {%- endif -%}
    {{- return(marks | join(' or ')) -}}
{%- endmacro %}

{#-
    The units that cancellations take back, of each purchase and by each cancellation:
    _batch_id, _record, is_cancellation, quantity (of the line) and cancelled (of it).

    A cancellation that names an order takes back its lines of the product, the latest
    first. One that names none takes back what is left of the same user's purchases of
    the product, the latest before it first, as a stack: the running balance of units
    goes down with a cancellation, and never below zero. A purchase keeps the units that
    no later balance goes below; a cancellation takes what the balance had.
-#}
{% macro matched_cancellations() -%}
{%- set latest = 'ordered_at desc, _batch_id desc, _record desc' -%}
with

live as (
    select
        staged._batch_id,
        staged._record,
        staged.order_id,
        staged.user_id,
        staged.product_id,
        staged.ordered_at,
        staged.is_cancellation,
        staged.cancelled_order,
        cast(
            coalesce({{ accepted_quantity() or 'staged.quantity' }}, 1)
            as decimal(18, 4)
        ) as quantity
    from {{ ref('stg_transactions') }} as staged
    left join {{ ref('int_transactions__out_of_use') }} as unused
        on
            staged._batch_id = unused._batch_id
            and staged._record = unused._record
    where unused._record is null
),

named as (
    select
        cancelled_order,
        product_id,
        sum(quantity) as quantity
    from live
    where is_cancellation and cancelled_order is not null
    group by cancelled_order, product_id
),

of_named_orders as (
    select
        live._batch_id,
        live._record,
        live.order_id,
        live.product_id,
        live.quantity,
        named.quantity - coalesce(sum(live.quantity) over (
            partition by live.order_id, live.product_id
            order by {{ latest }}
            rows between unbounded preceding and 1 preceding
        ), 0) as asked_for
    from live
    inner join named
        on
            live.order_id = named.cancelled_order
            and live.product_id = named.product_id
    where not live.is_cancellation
),

bought as (
    select
        order_id,
        product_id,
        sum(quantity) as quantity
    from of_named_orders
    group by order_id, product_id
),

by_name as (
    select
        _batch_id,
        _record,
        false as is_cancellation,
        quantity,
        greatest(least(quantity, asked_for), 0) as cancelled
    from of_named_orders
    union all
    select
        live._batch_id,
        live._record,
        true as is_cancellation,
        live.quantity,
        greatest(least(live.quantity, coalesce(bought.quantity, 0) - coalesce(
            sum(live.quantity) over (
                partition by live.cancelled_order, live.product_id
                order by live.ordered_at, live._batch_id, live._record
                rows between unbounded preceding and 1 preceding
            ), 0
        )), 0) as cancelled
    from live
    left join bought
        on
            live.cancelled_order = bought.order_id
            and live.product_id = bought.product_id
    where live.is_cancellation and live.cancelled_order is not null
),

returned as (
    select distinct
        user_id,
        product_id
    from live
    where is_cancellation and cancelled_order is null
),

changes as (
    select
        live.*,
        case when live.is_cancellation then -live.quantity
            else live.quantity - coalesce(by_name.cancelled, 0)
        end as units
    from live
    inner join returned
        on
            live.user_id = returned.user_id
            and live.product_id = returned.product_id
    left join by_name
        on
            live._batch_id = by_name._batch_id
            and live._record = by_name._record
    where live.cancelled_order is null
),

sums as (
    select
        *,
        sum(units) over in_time as units_so_far
    from changes
    window in_time as (
        partition by user_id, product_id
        order by ordered_at, is_cancellation, _batch_id, _record
        rows between unbounded preceding and current row
    )
),

lows as (
    select
        *,
        least(min(units_so_far) over in_time, 0) as lowest
    from sums
    window in_time as (
        partition by user_id, product_id
        order by ordered_at, is_cancellation, _batch_id, _record
        rows between unbounded preceding and current row
    )
),

balances as (
    select
        *,
        units_so_far - lowest as balance,
        coalesce(lag(lowest) over in_time, 0) - lowest as not_there
    from lows
    window in_time as (
        partition by user_id, product_id
        order by ordered_at, is_cancellation, _batch_id, _record
    )
),

kept as (
    select
        *,
        min(balance) over (
            partition by user_id, product_id
            order by ordered_at, is_cancellation, _batch_id, _record
            rows between current row and unbounded following
        ) - (balance - units) as kept_units
    from balances
),

by_user as (
    select
        _batch_id,
        _record,
        is_cancellation,
        quantity,
        case when is_cancellation then quantity - not_there
            else units - greatest(least(units, kept_units), 0)
        end as cancelled
    from kept
),

taken_back as (
    select * from by_name
    union all
    select * from by_user
),

final as (
    select
        _batch_id,
        _record,
        is_cancellation,
        quantity,
        cast(sum(cancelled) as decimal(18, 4)) as cancelled
    from taken_back
    group by _batch_id, _record, is_cancellation, quantity
    having is_cancellation or sum(cancelled) > 0
)

select * from final
{%- endmacro %}

{#- The quantity of a staged order line, with the shop's fill where it is missing. -#}
{% macro accepted_quantity() -%}
    {%- for column in entity_columns('transactions') if column.name == 'quantity' -%}
        {{- accepted_value('transactions', column) | trim -}}
    {%- endfor -%}
{%- endmacro %}

{#- set_aside(), and what cancellations take back. -#}
{% macro order_lines_set_aside() -%}
{%- if not cancellations_of('transactions') -%}
{{ set_aside('transactions') }}
{%- else -%}
with

final as (
    select * from {{ ref('int_transactions__out_of_use') }}
    union all
    select
        _batch_id,
        _record,
        case
            when cancelled > 0 then 'cancelled'
            else 'cancels_nothing'
        end as outcome,
        null as reject_reasons
    from {{ ref('int_transactions__cancellations') }}
    where is_cancellation or cancelled = quantity
)

select * from final
{%- endif -%}
{%- endmacro %}

{#- The accepted order lines, with the units that no cancellation took back. -#}
{% macro accepted_order_lines() -%}
{%- if not cancellations_of('transactions') -%}
    select
        {{ accepted_columns('transactions') }},
        staged._batch_id
    from {{ accepted_records('transactions') }}
    where set_aside._record is null
{%- else -%}
    select
        {{ columns_of('lines', 'transactions', but=['quantity', 'line_total']) }},
        cast(
            lines.quantity - coalesce(lines.cancelled, 0) as decimal(18, 4)
        ) as quantity,
        case
            when lines.cancelled > 0
                then cast(
                    cast(lines.line_total as double)
                    * (1 - cast(lines.cancelled as double) / lines.quantity)
                    as decimal(18, 4)
                )
            else lines.line_total
        end as line_total,
        lines._batch_id
    from (
        select
            {{ accepted_columns('transactions') }},
            cancellations.cancelled,
            staged._batch_id
        from {{ accepted_records('transactions') }}
        left join {{ ref('int_transactions__cancellations') }} as cancellations
            on
                staged._batch_id = cancellations._batch_id
                and staged._record = cancellations._record
        where set_aside._record is null
    ) as lines
{%- endif -%}
{%- endmacro %}
