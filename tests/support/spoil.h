/* support/spoil.h - wrong state on purpose, in the ways that a mistake in a restore would leave it.
 */
#ifndef TEST_SPOIL_H
#define TEST_SPOIL_H

#include "support/differential.h"

/* Spoil a restored instance behind the engine's back. False: this one has nothing of the kind. */
bool spoil_instance(bhi_instance *instance, spoil how);

#endif
