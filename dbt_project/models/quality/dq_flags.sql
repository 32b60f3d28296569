{{ flagged_values() }}
