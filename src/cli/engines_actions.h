/* The actions of `prony engines`: ENGINES_ACTION(NAME) is engines_NAME in engines_NAME.c. */
ENGINES_ACTION(list)
ENGINES_ACTION(install)
ENGINES_ACTION(smoke)
ENGINES_ACTION(health)
ENGINES_ACTION(register)
