/* Every experiment, in the order in which lists show them: EXPERIMENT(NAME) is experiment_NAME. Those whose questions
 * are not built yet stand in experiment.c; their configs are checked all the same. */
EXPERIMENT(latency)
EXPERIMENT(perplexity)
EXPERIMENT(memory)
EXPERIMENT(greedy)
EXPERIMENT(distribution)
EXPERIMENT(speed)
EXPERIMENT(speculate)
EXPERIMENT(accuracy)
EXPERIMENT(behaviour)
