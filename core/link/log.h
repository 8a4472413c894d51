#pragma once

#include <fmt/format.h>
#include <spdlog/spdlog.h>

// fmt 9 makes its largest template anew in each file that logs, 13 KB a time; its library has it.
#if FMT_VERSION >= 90000 && FMT_VERSION < 100000 && !defined(FMT_HEADER_ONLY)
extern template void fmt::detail::vformat_to<char>(buffer<char>&, basic_string_view<char>, basic_format_args<buffer_context<char>>, locale_ref);
#endif
