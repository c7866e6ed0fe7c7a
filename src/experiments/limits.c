#include "experiments/limits.h"

#include "base/team.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"

json_t *limits_measure(int threads)
{
    const double seconds = 0.6;
    const struct kernel_set *set;
    struct team *team;
    struct peaks p;
    if (kernels_choose(&set, NULL, NULL) < 0 || team_open(&team, threads, NULL) < 0)
        return NULL;
    int rc = peaks_measure(&p, set, team, seconds, NULL);
    team_close(team);
    if (rc < 0)
        return NULL;
    return json_pack("{sf sf sf sf}", "read_gb_s", p.read_bytes / 1e9, "f32_gops", p.f32 / 1e9, "bf16_gops", p.bf16 / 1e9,
                     "int8_gops", p.int8 / 1e9);
}
