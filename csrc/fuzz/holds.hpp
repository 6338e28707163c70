// What a fuzz target says must be true of any input. A broken promise stops the run with the input that broke it.
#pragma once

#include <cstdio>
#include <cstdlib>

#define HOLDS(condition)                                                                        \
    do {                                                                                        \
        if (!(condition)) {                                                                     \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                       \
        }                                                                                       \
    } while (false)
