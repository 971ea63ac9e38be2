/* cli/new_templates.c - see new_templates.h. They are in the program, not beside it, so that `new`
 * cannot meet the templates of another version. */
#include "cli/new_templates.h"

#include <stddef.h>

static const char source_text[] =
    "/* @NAME@.c - answers \"hello\": {\"name\": \"Ada\"} becomes {\"text\": \"Hello, Ada!\"}. */\n"
    "#include <bulkhead/capsule.h>\n"
    "\n"
    "/* What the manifest or the operator chose. */\n"
    "static capsule_bytes read_greeting(void)\n"
    "{\n"
    "    capsule_option value;\n"
    "    capsule_bytes key = capsule_text(\"greeting\");\n"
    "    if (capsule_get_config(key, &value) == CAPSULE_SYS_OK && value.is_some)\n"
    "        return value.value;\n"
    "    return capsule_text(\"Hello\");\n"
    "}\n"
    "\n"
    "static capsule_result greet(capsule_bytes payload)\n"
    "{\n"
    "    capsule_bytes name = capsule_text(\"world\");\n"
    "    capsule_json_status status = CAPSULE_JSON_MISSING;\n"
    "    if (payload.len > 0)\n"
    "        status = capsule_json_member(payload, \"name\", capsule_alloc(payload.len), &name);\n"
    "    if (status != CAPSULE_JSON_FOUND && status != CAPSULE_JSON_MISSING)\n"
    "        return capsule_deny(\"expected {\\\"name\\\": TEXT}: %s\", "
    "capsule_json_status_name(status));\n"
    "    capsule_bytes greeting = read_greeting();\n"
    "    capsule_bytes text = capsule_format(\"%.*s, %.*s!\", (int)greeting.len, "
    "(char *)greeting.data,\n"
    "                                        (int)name.len, (char *)name.data);\n"
    "    uint8_t *quoted = capsule_alloc(6 * text.len + 2);\n"
    "    size_t len = capsule_json_quote(text, quoted);\n"
    "    return capsule_final(capsule_format(\"{\\\"text\\\":%.*s}\", (int)len, "
    "(char *)quoted));\n"
    "}\n"
    "\n"
    "capsule_result capsule_hook(capsule_bytes action, capsule_bytes payload)\n"
    "{\n"
    "    if (capsule_equal_text(action, \"hello\"))\n"
    "        return greet(payload);\n"
    "    return capsule_deny(\"unknown action: this capsule answers \\\"hello\\\"\");\n"
    "}\n";

static const char manifest_text[] = "[package]\n"
                                    "name = \"@NAME@\"\n"
                                    "version = \"0.1.0\"\n"
                                    "description = \"Answers hello with a greeting.\"\n"
                                    "\n"
                                    "[[component]]\n"
                                    "file = \"@NAME@.wasm\"\n"
                                    "\n"
                                    "[env.greeting]\n"
                                    "type = \"text\"\n"
                                    "description = \"The word before the name.\"\n"
                                    "default = \"Hello\"\n";

static const char makefile_text[] =
    "# make builds the capsule, make test compares its answer.\n"
    "SDK      ?= @SDK@\n"
    "BULKHEAD ?= bulkhead\n"
    "\n"
    "@NAME@.wasm: @NAME@.c\n"
    "\t'$(SDK)/capsule-cc' $< -o $@\n"
    "\n"
    ".PHONY: test clean\n"
    "test: @NAME@.wasm\n"
    "\t'$(BULKHEAD)' invoke . hello --payload @payload.json > answer.json\n"
    "\techo >> answer.json\n"
    "\tdiff expected.json answer.json\n"
    "\n"
    "clean:\n"
    "\trm -f @NAME@.wasm answer.json\n";

static const char readme_text[] =
    "# @NAME@\n"
    "\n"
    "A capsule in C for Bulkhead: it answers the action `hello` with a greeting.\n"
    "\n"
    "    make\n"
    "    bulkhead invoke . hello --payload @payload.json\n"
    "    make test\n"
    "\n"
    "`@NAME@.c` is the whole capsule. `Capsule.toml` names it and declares its configuration;\n"
    "an operator sets `greeting` with the environment variable `@VARIABLE@`.\n"
    "`payload.json` and `expected.json` are an example call and its answer.\n"
    "\n"
    "Serve it over HTTP:\n"
    "\n"
    "    bulkhead serve . &\n"
    "    curl -s -d @payload.json http://127.0.0.1:8787/v1/capsules/@NAME@/actions/hello\n";

const bhi_cli_template bhi_cli_templates[] = {
    {"@NAME@.c", source_text},
    {"Capsule.toml", manifest_text},
    {"Makefile", makefile_text},
    {"README.md", readme_text},
    {"payload.json", "{\"name\": \"Ada\"}\n"},
    {"expected.json", "{\"text\":\"Hello, Ada!\"}\n"},
    {".gitignore", "*.wasm\nanswer.json\n"},
    {NULL, NULL},
};
