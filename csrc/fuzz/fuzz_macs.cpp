// Any bytes as the NMDP's list of multiple allele codes: reading them ends, with a table or with an Error, and every
// code of a table stands for names that can be written and read again, or for none.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "allomatch/error.hpp"
#include "allomatch/mac.hpp"
#include "holds.hpp"

using namespace allomatch;

namespace {

void expand(const MacTable& macs, std::string_view letters) {
    for (const char* field : {"A*01:", "A*02:", "B*15:", "DRB1*13:"}) {
        const NameAtLocus mac = parse_name_with_locus(field + std::string(letters));
        if (mac.name.kind != NameKind::Mac) return;  // XX and NEW are no codes
        const MacTable::Expansion expansion = macs.expand(mac.name);
        HOLDS(!expansion.names.empty() || expansion.foreign || !macs.members(mac_code(mac.name)));
        for (const Name& name : expansion.names) {
            HOLDS(parse_name(mac.locus, to_text(mac.locus, name)) == name);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    try {
        const auto macs = MacTable::from_text("numer.v3.txt", text);
        // Every run of letters of the input is looked up: the codes of the table are among them.
        std::size_t start = 0;
        for (std::size_t i = 0; i <= text.size(); ++i) {
            const bool letter = i < text.size() && text[i] >= 'A' && text[i] <= 'Z';
            if (letter) continue;
            if (i - start >= 2 && i - start <= 6) expand(*macs, std::string_view(text).substr(start, i - start));
            start = i + 1;
        }
    } catch (const Error&) {
    }
    return 0;
}
