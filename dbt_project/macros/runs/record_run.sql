{#
    The warehouse's own record of the runs that change tables. Publishing reads it
    (feature_store/publish/dbt_gate.py): nothing is served unless the last one built and
    tested everything. A run that was cut off has no finished_at.
#}

{% macro changes_tables() %}
    {{ return(flags.WHICH in ["build", "run", "seed", "snapshot", "retry", "clone"]) }}
{% endmacro %}

{% macro covers_everything() %}
    {% set args = invocation_args_dict %}
    {% set left_out = (args.get("exclude") or []) | list %}
    {{ return(
        not args.get("select")
        and not args.get("selector")
        and not args.get("resource_types")
        and not args.get("exclude_resource_types")
        and not args.get("empty")
        and left_out in ([], ["resource_type:unit_test"])
    ) }}
{% endmacro %}

{% macro record_run_start() %}
    {% if execute and changes_tables() %}
        create schema if not exists quality;
        create table if not exists quality.dbt_runs (
            invocation_id varchar,
            command varchar,
            complete boolean,
            started_at timestamp,
            finished_at timestamp,
            failures bigint
        );
        insert into quality.dbt_runs values (
            '{{ invocation_id }}',
            '{{ flags.WHICH }}',
            {{ covers_everything() }},
            '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}',
            null,
            null
        );
    {% endif %}
{% endmacro %}

{% macro record_run_end(results) %}
    {% if execute and changes_tables() %}
        {% set bad = ["error", "fail", "runtime error", "partial success"] %}
        {% set failures = results | selectattr("status", "in", bad) | list | length %}
        update quality.dbt_runs
        set
            finished_at = '{{ modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}',
            failures = {{ failures }}
        where invocation_id = '{{ invocation_id }}';
    {% endif %}
{% endmacro %}
