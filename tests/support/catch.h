#pragma once

// Catch2 v3 or v2, whichever the system has; tests stay in what both offer.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
