/* cli/new_templates.h - the files of a new capsule. */
#ifndef BHI_CLI_NEW_TEMPLATES_H
#define BHI_CLI_NEW_TEMPLATES_H

/* @NAME@ and @SDK@ stand for the capsule's name and the SDK's directory, in the path too. */
typedef struct bhi_cli_template {
    const char *path;
    const char *text;
} bhi_cli_template;

extern const bhi_cli_template bhi_cli_templates[]; /* ends with a NULL path */

#endif
