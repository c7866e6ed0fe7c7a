/* Every command of prony, in the order in which help shows them: COMMAND(NAME) is command_NAME in cmd_NAME.c. */
COMMAND(model)
COMMAND(engines)
COMMAND(report)
COMMAND(cell)
COMMAND(env)
COMMAND(help)
COMMAND(completion)
COMMAND(man)
