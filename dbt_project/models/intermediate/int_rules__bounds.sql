{{ usual_bounds() }}
