/* The plots there are: PLOT(NAME) is plot_NAME in p_*.c. */
PLOT(backend_comparison)
PLOT(memory_throughput)
PLOT(param_throughput)
