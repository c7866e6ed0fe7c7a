/* The child that a run starts for each launch of a cell; it speaks frames, not to people. */
#include <unistd.h>

#include "cli/command.h"
#include "experiments/experiment.h"

static int run(struct invocation *in, struct err *err)
{
    (void)in;
    if (isatty(STDIN_FILENO))
        return err_set(err, ERR_USAGE, "'prony cell' is what 'prony run' starts for itself: it reads frames from a pipe");
    return cell_main(STDIN_FILENO, STDOUT_FILENO) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct example examples[] = {{"prony run configs/demo.yaml", "starts the cells of the manifest"}, {0}};

const struct command command_cell = {
    .name = "cell",
    .summary = "measure one cell for a run",
    .synopsis = "",
    .examples = examples,
    .hidden = true,
    .run = run,
};
