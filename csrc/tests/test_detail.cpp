// The details of a pair: by hand for the rules that a small release shows, and of columns against single pairs.
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "allomatch/detail_table.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace allomatch;

namespace {

constexpr std::string_view kAlleles =
    "HLA1,A*01:01:01:01\nHLA2,A*01:01:01:02N\nHLA3,A*01:01:01:03\nHLA4,A*01:01:02\nHLA5,A*01:02\nHLA6,A*01:03\n"
    "HLA7,A*02:01\nHLA8,A*23:01\nHLA9,A*24:02\nHLA10,A*24:03\nHLA11,A*02:02N\n"
    "HLA20,B*07:02\nHLA21,B*07:65\nHLA22,B*44:02\nHLA23,B*55:91\n"
    "HLA30,DPB1*04:01\nHLA31,DPB1*09:01\nHLA32,DPB1*03:01\nHLA33,DPB1*02:01\nHLA34,DPB1*61:01N\nHLA35,DPB1*700:01\n"
    "HLA36,DPB1*701:01\n";
constexpr std::string_view kSerology =
    "A*;01:01:01:01;1;;;\nA*;01:01:01:02N;0;;;\nA*;01:01:01:03;1;;;\nA*;01:01:02;1;;;\nA*;01:02;;;;1\nA*;01:03;?;;;\n"
    "A*;02:01;2;;;\nA*;23:01;23;;;\nA*;24:02;24;;;\nA*;24:03;2403;;;\nA*;02:02N;0;;;\n"
    "B*;07:02;7;;;\nB*;07:65;?;;;\nB*;44:02;44;;;\nB*;55:91;?;;;\nDPB1*;04:01;?;;;\nDPB1*;09:01;?;;;\nDPB1*;03:01;?;;;"
    "\n"
    "DPB1*;02:01;?;;;\nDPB1*;61:01N;0;;;\nDPB1*;700:01;?;;;\nDPB1*;701:01;?;;;\n";
constexpr std::string_view kRelations = "A;9;23/24;\nA;24;;2403\n";
constexpr std::string_view kStatus =
    "Allele,Cells,Groups,Confirmed,Start,End,Partial,Type\nA*01:01:01:01,8,10,Confirmed,1,1098,Full,gDNA\n"
    "A*01:01:01:03,8,10,Confirmed,1,1098,Full,cDNA\nA*02:01,8,10,Confirmed,1,619,Partial,gDNA\n";
constexpr std::string_view kTce =
    "Allele,Protein,V1_Assignment,V2_Assignment,Comments\nDPB1*04:01,DPB1*04:01,3,3$,\nDPB1*09:01,DPB1*09:01,1,1,\n"
    "DPB1*03:01,DPB1*03:01,2,2a,\nDPB1*02:01,DPB1*02:01,3,3,\nDPB1*61:01N,DPB1*61:01N,0,0,\n";

std::shared_ptr<const Nomenclature> release() {
    static const std::string p = support::completed(
        kAlleles, "A*;01:01:01:01/01:01:01:03/01:01:02/01:02/01:03;01:01P\nDPB1*;04:01/700:01;04:01P\n");
    static const std::string g =
        support::completed(kAlleles, "A*;01:01:01:01/01:01:01:02N/01:01:01:03/01:02;01:01:01G\n");
    static const auto made = [] {
        ReleaseFiles files;
        files.allele_list = kAlleles;
        files.p_groups = p;
        files.g_groups = g;
        files.status = kStatus;
        files.dna_serology = kSerology;
        files.serology_relations = kRelations;
        files.tce = kTce;
        return Nomenclature::from_files("small", files);
    }();
    return made;
}

LocusDetail detail(Locus locus, std::string_view patient, std::string_view donor,
                   NullPolicy policy = NullPolicy::Explicit) {
    return match_detail(parse_typing(locus, patient), parse_typing(locus, donor), locus, *release(), policy);
}

// Of homozygotes: the same at both positions.
Grade grade(std::string_view patient, std::string_view donor) {
    const LocusDetail found = detail(Locus::A, patient, donor);
    CHECK_EQ(found.grades[0], found.grades[1]);
    return found.grades[0];
}

Confidence confidence(std::string_view patient, std::string_view donor) {
    return detail(Locus::A, patient, donor).confidences[0];
}

AntigenMatch antigens(std::string_view patient, std::string_view donor) {
    return detail(Locus::A, patient, donor).antigens[0];
}

}  // namespace

TEST(grades) {
    CHECK_EQ(grade("A*01:01:01:01", "A*01:01:01:01"), Grade::GDna);
    CHECK_EQ(grade("A*02:01", "A*02:01"), Grade::CDna);  // the same allele, not known in full
    CHECK_EQ(grade("A*01:01:01:01", "A*01:01:01:03"), Grade::CDna);
    CHECK_EQ(grade("A*01:01:01:03", "A*01:01:02"), Grade::Protein);
    CHECK_EQ(grade("A*01:01:01:01", "A*01:02"), Grade::GGroup);
    CHECK_EQ(grade("A*01:01:01:01", "A*01:03"), Grade::PGroup);
    CHECK_EQ(grade("A*01:01:01:01", "A*02:01"), Grade::Mismatch);
    CHECK_EQ(grade("A*01:01", "A*01:01"), Grade::GDna);  // the best that is possible
    CHECK_EQ(grade("A*01:XX", "A*01:01:01:01"), Grade::GGroup);
    CHECK_EQ(grade("A*01:01:01G", "A*01:01:01G"), Grade::GGroup);
    CHECK_EQ(grade("A*01:01:02/A*01:03", "A*01:01:01:01"), Grade::PGroup);
    CHECK_EQ(grade("A*01:NEW", "A*01:01"), Grade::Unknown);
    CHECK_EQ(grade("A*01:NEW", "A*02:01"), Grade::Mismatch);
}

TEST(grades_of_antigens) {
    CHECK_EQ(grade("A24", "A24"), Grade::Split);
    CHECK_EQ(grade("A9", "A9"), Grade::Broad);
    CHECK_EQ(grade("A9", "A24"), Grade::Broad);
    CHECK_EQ(grade("A2403", "A2403"), Grade::Associated);
    CHECK_EQ(grade("A24", "A2403"), Grade::Split);
    CHECK_EQ(grade("A9", "A2403"), Grade::Broad);
    CHECK_EQ(grade("A23", "A24"), Grade::Mismatch);
    CHECK_EQ(grade("A24", "A*24:02"), Grade::Split);
    CHECK_EQ(grade("A*24:XX", "A2403"), Grade::Associated);
    CHECK_EQ(grade("A1", "A*01:02"), Grade::Split);
}

TEST(confidences) {
    CHECK_EQ(confidence("A*01:01:01:01", "A*01:03"), Confidence::Definite);
    CHECK_EQ(confidence("A*01:01", "A*01:01:01:01"), Confidence::Exact);
    CHECK_EQ(confidence("A*01:XX", "A*01:01P"), Confidence::Exact);
    CHECK_EQ(confidence("A*24:XX", "A*24:02"), Confidence::Potential);
    CHECK_EQ(confidence("A24", "A*24:02"), Confidence::Potential);
    CHECK_EQ(confidence("A*24:02", "A*23:01"), Confidence::Mismatch);
    // Of several genotypes nothing is more than possible.
    CHECK_EQ(confidence("A*02:01+A*02:01|A*23:01+A*23:01", "A*02:01"), Confidence::Potential);
}

TEST(antigen_matches) {
    CHECK_EQ(antigens("A*01:01", "A*01:03"), AntigenMatch::Yes);  // one ARD group
    CHECK_EQ(antigens("A*24:02", "A*24:03"), AntigenMatch::Yes);  // 24 and 2403
    CHECK_EQ(antigens("A*23:01", "A*24:02"), AntigenMatch::No);
    CHECK_EQ(antigens("A*23:01", "A9"), AntigenMatch::Yes);
    CHECK_EQ(antigens("A*02:01", "A*24:NEW"), AntigenMatch::Unknown);
    CHECK_EQ(antigens("", "A*24:02"), AntigenMatch::Unknown);
}

TEST(nulls) {
    const LocusDetail homozygous = detail(Locus::A, "A*02:01+A*01:01:01:02N", "A*02:01+A*02:01");
    CHECK_EQ(homozygous.counts.greatest, 0);
    // Names sort by their fields: the null is the first.
    CHECK(homozygous.grades == (std::array{Grade::ExpressedVsNull, Grade::CDna}));
    CHECK(homozygous.confidences == (std::array{Confidence::Definite, Confidence::Definite}));
    const LocusDetail nulls = detail(Locus::A, "A*02:01+A*01:01:01:02N", "A*02:01+A*02:02N");
    CHECK_EQ(nulls.counts.greatest, 0);
    CHECK_EQ(nulls.category, Category::Match);
    const LocusDetail nothing = detail(Locus::A, "A*01:01:01:02N+A*02:02N", "A*02:02N+A*02:02N");
    CHECK(nothing.grades == (std::array{Grade::NullVsNull, Grade::NullVsNull}));
    CHECK(nothing.confidences == (std::array{Confidence::Definite, Confidence::Definite}));
    // A null that is only possible: the same protein twice, or the other one.
    const LocusDetail possible = detail(Locus::A, "A*02:01", "A*02:01+A*01:01:01G", NullPolicy::Possible);
    CHECK_EQ(possible.category, Category::Potential);
    CHECK(possible.confidences[0] == Confidence::Potential || possible.confidences[1] == Confidence::Potential);
    CHECK_EQ(detail(Locus::A, "A*02:01", "A*02:01+A*01:01:01G").category, Category::Mismatch);
}

TEST(orientation) {
    const LocusDetail crossed = detail(Locus::A, "A*02:01+A*24:02", "A*01:03+A*02:01");
    CHECK(crossed.crossed);
    CHECK(crossed.confidences == (std::array{Confidence::Definite, Confidence::Mismatch}));
    CHECK(!detail(Locus::A, "A*02:01+A*24:02", "A*02:01+A*24:03").crossed);
    CHECK(!detail(Locus::A, "A*01:03+A*02:01", "A*23:01+A*24:02").crossed);  // nothing matches: direct
    // As many matches, one antigen more.
    CHECK(detail(Locus::A, "A*01:03+A*24:02", "A*24:03+A*23:01").antigens ==
          (std::array{AntigenMatch::No, AntigenMatch::Yes}));
    const LocusDetail untyped = detail(Locus::A, "", "A*02:01");
    CHECK(untyped.grades == (std::array{Grade::Unknown, Grade::Unknown}));
    CHECK_EQ(untyped.category, Category::Potential);
}

TEST(epitopes) {
    const auto verdict = [](std::string_view patient, std::string_view donor) {
        return detail(Locus::DPB1, patient, donor);
    };
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*02:01").category, Category::PermissiveMismatch);
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*02:01").grades[0], Grade::Permissive);
    CHECK_EQ(verdict("DPB1*09:01+DPB1*04:01", "DPB1*02:01").category, Category::NonPermissiveGvh);
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*03:01+DPB1*04:01").category, Category::NonPermissiveHvg);
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*700:01").verdict, Verdict::Matched);
    // A null makes the locus homozygous; of one ARD group the assigned alleles speak for the others.
    CHECK(verdict("DPB1*61:01N+DPB1*09:01", "DPB1*700:01").tce == (std::array<std::uint8_t, 2>{1, 3}));
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*701:01").category, Category::Mismatch);
    CHECK_EQ(verdict("DPB1*04:01", "DPB1*701:01").verdict, Verdict::Unknown);
    CHECK_EQ(verdict("DPB1*04:01/DPB1*03:01", "DPB1*09:01").tce[0], 0);
    CHECK(verdict("DPB1*02:01+DPB1*04:01", "DPB1*02:01+DPB1*03:01").mismatched ==
          (std::array{Marker::Second, Marker::First}));
    CHECK_EQ(detail(Locus::A, "A*02:01", "A*23:01").verdict, Verdict::None);
}

TEST(leaders) {
    const LocusDetail found = detail(Locus::B, "B*07:02+B*44:02", "B*44:02+B*07:65");
    CHECK(found.markers == (std::array{MarkerPair::FirstSecond, MarkerPair::SecondSecond}));
    CHECK(found.one_mismatch);
    CHECK(found.mismatched == (std::array{Marker::First, Marker::Second}));
    CHECK_EQ(detail(Locus::B, "B*07:02", "B*55:91").markers[1], MarkerPair::Unknown);
    CHECK_EQ(detail(Locus::B, "B*07:02/B*07:65+B*44:02", "B*44:02").markers[0], MarkerPair::Unknown);
}

// Columns say of each row what a single pair says.
TEST(columns) {
    const std::vector<std::string> typings{
        "A*01:01+A*02:01",        "A*24:02+A*23:01",  "A24+A2",           "A*01:01:01G+A*01:01:01G",
        "A*01:XX+A*24:XX",        "A*02:02N+A*24:03", "A*01:NEW+A*02:01", "A*01:01+A*02:01|A*23:01+A*24:02",
        "A*01:01/A*01:03+A*23:01"};
    std::mt19937 random(7);
    const auto column_of = [&](std::size_t rows) {
        std::vector<std::string> texts;
        for (std::size_t row = 0; row < rows; ++row) texts.push_back(typings[random() % typings.size()]);
        return texts;
    };
    struct Text {
        std::string bytes;
        std::vector<std::int32_t> offsets{0};
        explicit Text(const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
                bytes += text;
                offsets.push_back(static_cast<std::int32_t>(bytes.size()));
            }
        }
        [[nodiscard]] TextColumn column() const {
            TextColumn made;
            made.offsets = offsets.data();
            made.bytes = bytes.data();
            return made;
        }
    };
    constexpr std::array kLoci{Locus::A};
    for (const std::size_t rows : {std::size_t{200}, std::size_t{70'000}}) {
        const std::vector<std::string> patients = column_of(rows);
        const std::vector<std::string> donors = column_of(rows);
        const Text patient_text(patients);
        const Text donor_text(donors);
        TypingCells patient_cells;
        patient_cells.rows = rows;
        patient_cells.gl = patient_text.column();
        TypingCells donor_cells = patient_cells;
        donor_cells.gl = donor_text.column();
        std::vector<CellError> errors;
        const Cancel cancel;
        const TypingColumns of_patients(patient_cells, Side::Patient, kLoci, 2, cancel, errors);
        const TypingColumns of_donors(donor_cells, Side::Donor, kLoci, 2, cancel, errors);
        const TypingColumns one(Phenotype::from_gl(typings[0]), kLoci);
        DetailRequest request;
        request.loci = {Locus::A};
        request.policy = NullPolicy::Possible;
        for (const bool single : {false, true}) {
            for (const unsigned threads : {1U, 3U}) {
                request.threads = threads;
                const auto tables =
                    match_columns(*release(), single ? one : of_patients, of_donors, request, cancel, errors);
                for (std::size_t row = 0; row < 200; ++row) {
                    const LocusDetail expected =
                        detail(Locus::A, single ? typings[0] : patients[row], donors[row], NullPolicy::Possible);
                    std::array<std::uint8_t, kDetailBytes> bytes{};
                    for (std::size_t k = 0; k < kDetailBytes; ++k) bytes[k] = tables[0][k * rows + row];
                    LocusDetail found;
                    std::memcpy(&found, bytes.data(), kDetailBytes);
                    CHECK(found == expected);
                }
            }
        }
        CHECK(errors.empty());
    }
}

TEST(columns_that_cannot_be_read) {
    TypingCells cells;
    const std::string bytes = "A*01:01A*01A*99:01";
    const std::array<std::int32_t, 4> offsets{0, 7, 11, 18};
    cells.rows = 3;
    cells.gl.emplace();
    cells.gl->offsets = offsets.data();
    cells.gl->bytes = bytes.data();
    std::vector<CellError> errors;
    constexpr std::array kLoci{Locus::A};
    const TypingColumns donors(cells, Side::Donor, kLoci, 1, {}, errors);
    const TypingColumns patient(Phenotype::from_gl("A*01:01+A*02:01"), kLoci);
    DetailRequest request;
    request.loci = {Locus::A};
    (void)match_columns(*release(), patient, donors, request, {}, errors);
    CHECK_EQ(errors.size(), 2U);
    CHECK_EQ(errors[0].row, 1U);
    CHECK_EQ(errors[0].code, ErrorCode::MalformedTyping);
    CHECK_EQ(errors[1].row, 2U);
    CHECK_EQ(errors[1].code, ErrorCode::UnknownName);
    const TypingColumns unknown(Phenotype::from_gl("A*99:01"), kLoci);
    CHECK_THROWS(UnknownName, match_columns(*release(), unknown, donors, request, {}, errors));
    TypingCells fewer = cells;
    fewer.rows = 2;
    const TypingColumns patients(fewer, Side::Patient, kLoci, 1, {}, errors);
    CHECK_THROWS(InvalidArgument, match_columns(*release(), patients, donors, request, {}, errors));
}
