/* embed.c - run a capsule from a program of your own.
 *
 *   cc embed.c $(pkg-config --cflags --libs bulkhead) -o embed
 *   ./embed examples/echo "hello"
 */
#include <stdio.h>
#include <string.h>

#include <bulkhead/bulkhead.h>

static int fail(const char *what, const bh_error *error)
{
    fprintf(stderr, "embed: %s: %s\n", what, error->text);
    return 3;
}

static int print_answer(const bh_result *result)
{
    if (result->outcome != BH_OUTCOME_RETURNED) {
        fprintf(stderr, "embed: the capsule %s: %s\n%s", bh_outcome_name(result->outcome),
                result->message, result->backtrace);
        return 1;
    }
    printf("%s %s\n", result->action, result->has_data ? result->data : "(no data)");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: embed CAPSULE PAYLOAD\n");
        return 2;
    }
    bh_error error;
    bh_runtime *runtime;
    bh_capsule *capsule;
    if (bh_runtime_create(NULL, &runtime, &error) != BH_OK)
        return fail("runtime", &error);
    if (bh_capsule_load(runtime, argv[1], NULL, &capsule, &error) != BH_OK) {
        bh_runtime_destroy(runtime);
        return fail("load", &error);
    }
    bh_request request = {.action = "greet",
                          .payload = argv[2],
                          .payload_len = strlen(argv[2]),
                          .principal = "alice"};
    bh_result result = {0};
    int code = bh_invoke(capsule, &request, &result, &error) == BH_OK ? print_answer(&result)
                                                                      : fail("invoke", &error);
    bh_result_deinit(&result);
    bh_capsule_release(capsule);
    bh_runtime_destroy(runtime);
    return code;
}
