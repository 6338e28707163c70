// Runs the tests of an executable, all or those whose name contains the first argument, and sums up.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "allomatch/kernel_choice.hpp"
#include "check.hpp"

int main(int argc, char** argv) {
    // ctest asks for every kernel; that this machine lacks one is no failure.
    const char* kernel = std::getenv("ALLOMATCH_ISA");  // NOLINT(concurrency-mt-unsafe)
    const auto supported = allomatch::supported_kernels();
    if (kernel != nullptr && std::find(supported.begin(), supported.end(), kernel) == supported.end()) {
        std::cout << "skipped: this machine does not support the kernel " << kernel << '\n';
        return 77;
    }
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    std::size_t run = 0;
    for (const check::Test& test : check::tests) {
        if (test.name.find(wanted) == std::string_view::npos) continue;
        const std::size_t before = check::failures;
        const auto start = std::chrono::steady_clock::now();
        try {
            test.body();
        } catch (const std::exception& error) {
            check::report(test.name.data(), 0, std::string("the test ended with an exception: ") + error.what());
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        if (check::failures != before) std::cerr << "FAILED " << test.name << '\n';
        if (took.count() > 1) std::cout << test.name << " took " << took.count() << " s\n";
        ++run;
    }
    std::cout << run << " tests, " << check::checks << " checks, " << check::failures << " failures; kernel "
              << allomatch::active_kernel_name() << '\n';
    return check::failures == 0 && run > 0 ? 0 : 1;
}
