package match_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kamflow/kamflow/internal/shareddata"
	"github.com/kamflow/kamflow/kam/rules/match"
)

// TestNamesReported: every pair of names that users of comparable systems
// reported, in full.
func TestNamesReported(t *testing.T) {
	t.Parallel()
	for _, r := range shareddata.CSV(t, "field_reports/names.csv", ',') {
		left, right := match.Normalize(r["left"], ""), match.Normalize(r["right"], "")
		require.Equal(t, r["same_company_name"] == "yes", left == right, "%s | %s (%s): %+v, %+v", r["left"], r["right"], r["why"], left, right)
	}
}

// TestNamesDiffer: names that only look alike when initials, words or marks
// are taken for something else.
func TestNamesDiffer(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{ // country, names
		{"DE", "KD Pharma GmbH", "AS Pharma GmbH"},
		{"NO", "KD Pharma AS", "AS Pharma AS"},
		{"EE", "AS Pharma GmbH", "Pharma GmbH"},
		{"GB", "PC World", "AE World"},
		{"GB", "AB Foods plc", "AG Foods plc"},
		{"US", "SAS Institute Inc.", "Institute Inc."},
		{"US", "PT Solutions LLC", "Solutions LLC"},
		{"FR", "SIA Partners SAS", "Partners SAS"},
		{"US", "S.C. Johnson & Son, Inc.", "Johnson & Son, Inc."},
		{"DE", "SE Systems", "ME Systems"},
		{"US", "SA Recycling LLC", "SE Recycling LLC"},
		{"DE", "UG Consulting GmbH", "EG Consulting GmbH"},
		{"US", "LC Industries", "LP Industries"},
		{"IN", "M S Traders", "Traders"},
		{"", "P.T. Barnum", "Barnum"},
		{"", "S.C. Johnson", "Johnson"},
		{"AT", "Alpine Spa GmbH", "Alpine GmbH"},
		{"", "Alpine Spa", "Alpine"},
		{"US", "Day Spa", "Day"},
		{"GB", "Team SE Ltd", "Team Ltd"},
		{"US", "Northern Trust", "Northern"},
		{"DE", "Deutsche Bank AG", "Deutsche AG"},
		{"CH", "Roche Holding AG", "Roche AG"},
		{"US", "San Diego Zoo", "San Diego"},
		{"US", "Scooby Doo", "Scooby"},
		{"DE", "Fitness Me", "Fitness"},
		{"US", "Kung Pao", "Kung"},
		{"GB", "Radio EE", "Radio"},
		{"US", "Co Op Bank", "Op Bank"},
		{"DE", "Hotel Sal", "Hotel"},
		{"JP", "ガラス工業", "カラス工業"},
		{"JP", "バス商会", "パス商会"},
		{"JP", "ﾊﾞｽ商会", "ﾊｽ商会"},
		{"IN", "कुमार ट्रेडर्स", "कमार ट्रेडर्स"},
		{"IN", "कर्म", "करम"},
		{"TH", "ข่าว", "ขาว"},
		{"BD", "কুল", "কল"},
		{"IN", "குல", "கல"},
		{"IL", "שָׁלוֹם", "שלום"},
		{"CN", "华为集团有限公司", "华为有限公司"},
		{"JP", "東京分公司", "東京"},
		{"KR", "주유소", "유소"},
		{"RO", "SC Foo Ltd", "Foo Ltd"},
		{"FR", "Ste Foy", "Foy"},
		{"DE", "FA Technik", "Technik"},
		{"DK", "Hansens Is", "Hansens"},
		{"DK", "AS Pharma", "KD Pharma"},
		{"DK", "AS Pharma", "Pharma"},
		{"US", "Siemens NA", "Siemens"},
		{"AT", "Tours EU", "Tours"},
	} {
		require.NotEqual(t, match.Normalize(c[1], c[0]), match.Normalize(c[2], c[0]), "%v", c)
	}
}

// TestNamesAgree: one name, with the forms of its country where that country
// writes them, and in several ways to write the same characters.
func TestNamesAgree(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{ // country, name, the same names
		{"FI", "karl fazer", "Oy Karl Fazer Ab", "Karl Fazer Oy", "Oy Karl Fazer", "Ab Karl Fazer Oy", "Karl Fazer Oyj Abp", "OY KARL FAZER AB"},
		{"", "karl fazer", "Oy Karl Fazer Ab", "Oy Karl Fazer"},
		{"SE", "volvo", "AB Volvo", "Volvo AB", "AB Volvo (publ)", "Volvo Aktiebolag"},
		{"DK", "storebaelt", "A/S Storebælt", "Storebælt A/S", "Storebælt Aktieselskab"},
		{"NO", "norske shell", "AS Norske Shell", "A/S Norske Shell", "Norske Shell ASA"},
		{"EE", "tallink", "AS Tallink", "Tallink AS"},
		{"EE", "nortal", "OÜ Nortal", "Nortal OÜ", "Osaühing Nortal"},
		{"LV", "latvijas gaze", "SIA Latvijas Gāze", "Latvijas Gāze, SIA", "SIA \"Latvijas Gāze\"", "AS Latvijas Gāze"},
		{"", "latvijas gaze", "SIA Latvijas Gāze"},
		{"LT", "orlen lietuva", "UAB Orlen Lietuva", "Orlen Lietuva, UAB", "AB Orlen Lietuva"},
		{"ID", "astra international", "PT Astra International Tbk", "PT. Astra International", "P.T. Astra International Tbk.", "Astra International Tbk PT"},
		{"", "astra international", "PT Astra International Tbk", "PT Astra International"},
		{"ID", "maju jaya", "CV Maju Jaya", "C.V. Maju Jaya", "UD Maju Jaya"},
		{"RO", "alfa", "S.C. Alfa S.R.L.", "SC Alfa SRL", "Alfa SRL", "S.C.Alfa S.R.L.", "Alfa S. R. L.", "S.C. ALFA S.A."},
		{"", "alfa", "S.C. Alfa S.R.L.", "SC Alfa SRL"},
		{"", "lukoil", "OOO Lukoil", "Lukoil OOO", "ZAO Lukoil", "JSC Lukoil", "PJSC Lukoil"},
		{"RU", "lukoil", "PAO Lukoil", "AO Lukoil", "LLC Lukoil", "O.O.O. Lukoil"},
		{"RU", "ромашка", "ООО «Ромашка»", "О.О.О. Ромашка", "Общество с ограниченной ответственностью «Ромашка»", "АО Ромашка", "Ромашка, ООО"},
		{"UA", "світанок", "ТОВ «Світанок»", "Товариство з обмеженою відповідальністю «Світанок»", "ПрАТ Світанок", "АТ Світанок", "TOV Світанок"},
		{"KZ", "казхром", "ТОО Казхром", "АО Казхром", "Казхром ЖШС"},
		{"BG", "алфа", "Алфа ЕООД", "Алфа ООД", "Алфа АД", "ЕТ Алфа"},
		{"RS", "алфа", "Алфа д.о.о.", "Алфа доо", "АД Алфа"},
		{"HR", "pliva", "Pliva d.o.o.", "Pliva d.d.", "PLIVA D. O. O.", "Pliva DOO"},
		{"GR", "δελτα", "ΔΕΛΤΑ Α.Ε.", "Δέλτα ΑΕ", "ΔΕΛΤΑ ΑΝΩΝΥΜΗ ΕΤΑΙΡΕΙΑ", "ΔΕΛΤΑ Ε.Π.Ε.", "ΔΕΛΤΑ Ι.Κ.Ε."},
		{"GR", "delta", "Delta A.E.", "Delta AE", "Delta S.A."},
		{"GR", "οδοσ", "ΟΔΟΣ", "Οδός Α.Ε."},
		{"GE", "ალფა", "შპს ალფა", "ალფა შპს", "შ.პ.ს. ალფა"},
		{"AM", "ալֆա", "ալֆա ՍՊԸ", "Ալֆա ՓԲԸ"},
		{"TR", "arcelik", "Arçelik A.Ş.", "ARÇELİK ANONİM ŞİRKETİ", "Arçelik Sanayi ve Ticaret A.Ş."},
		{"TR", "yildiz", "Yıldız Ltd. Şti.", "YILDIZ LİMİTED ŞİRKETİ", "Yıldız San. ve Tic. Ltd. Şti."},
		{"FR", "dupont", "SARL Dupont", "Dupont SARL", "S.A.R.L. Dupont", "Ets Dupont", "SAS Dupont", "Dupont S. A. S.", "Société à responsabilité limitée Dupont"},
		{"", "dupont", "SARL Dupont", "S.A.R.L. Dupont", "Dupont SARL"},
		{"AT", "dupont", "Dupont e.U.", "Dupont OG"},
		{"US", "dupont", "Dupont, N.A."},
		{"SN", "dupont", "SUARL Dupont", "Ets Dupont", "Dupont SARLU"},
		{"BE", "bekaert", "N.V. Bekaert", "Bekaert NV", "Bekaert BVBA"},
		{"IT", "enel", "Enel S.p.A.", "ENEL SPA", "Enel SpA", "Enel S. p. A.", "Enel società per azioni"},
		{"", "enel", "Enel S.p.A.", "Enel SpA", "Enel S P A"},
		{"CL", "andina", "Andina SpA", "Andina SPA", "Andina Ltda.", "Andina E.I.R.L."},
		{"MX", "bimbo", "Bimbo S.A. de C.V.", "Bimbo, S. A. de C. V.", "Bimbo SA de CV", "Bimbo S.A.B. de C.V.", "Bimbo S. de R.L. de C.V.", "Bimbo S.A.P.I. de C.V."},
		{"BR", "padaria central", "Padaria Central Ltda", "Padaria Central Ltda. ME", "Padaria Central EIRELI", "Padaria Central S/A"},
		{"AR", "molinos", "Molinos S.A.", "Molinos S.R.L.", "Molinos S.A.C.I.F."},
		{"PE", "gloria", "Gloria S.A.C.", "Gloria S.A.A."},
		{"CO", "exito", "Éxito S.A.S.", "Éxito S.A. E.S.P."},
		{"VE", "polar", "Polar, C.A.", "Polar CA"},
		{"ES", "inditex", "Inditex, S.A.", "Inditex SL", "Inditex S.L.U.", "Inditex Sociedad Anónima"},
		{"PT", "galp", "Galp, SGPS, S.A.", "Galp Lda.", "Galp Unipessoal Lda"},
		{"PL", "los", "Łoś spółka z o.o.", "Łoś Sp. z o. o.", "ŁOŚ SP Z OO", "Łoś sp. z o.o. sp. k.", "PPHU Łoś", "P.P.H.U. Łoś"},
		{"CZ", "cesky", "Český s.r.o.", "Český, spol. s r.o.", "Český a.s."},
		{"HU", "mol", "MOL Nyrt.", "MOL Kft", "MOL Bt."},
		{"DE", "muller and sohne", "Müller & Söhne GmbH & Co. KG", "Müller + Söhne oHG", "Müller & Söhne Gesellschaft mit beschränkter Haftung", "Müller & Söhne e.K.", "Firma Müller & Söhne"},
		{"US", "smith", "Smith & Co", "Smith Co.", "Smith Co., Ltd.", "Smith, Inc.", "Smith L.L.C.", "Smith P.C.", "Smith & Company"},
		{"AU", "acme", "Acme Pty. Ltd.", "Acme Proprietary Limited", "Acme N.L."},
		{"IN", "sharma traders", "M/s Sharma Traders", "Sharma Traders Pvt. Ltd.", "Sharma Traders (P) Ltd", "Sharma Traders Private Limited"},
		{"IN", "टाटा", "टाटा प्राइवेट लिमिटेड", "टाटा लिमिटेड", "टाटा प्रा. लि."},
		{"MY", "maju", "Maju Sdn. Bhd.", "Maju Sdn Bhd", "Maju Berhad"},
		{"ZA", "acme", "Acme (Pty) Ltd", "Acme CC", "Acme (RF) NPC"},
		{"AE", "acme", "Acme FZE", "Acme L.L.C.", "Acme FZ-LLC", "Acme PJSC"},
		{"EG", "acme", "Acme S.A.E."},
		{"SA", "المثال", "شركة المثال المحدودة", "شركة المثال", "المثال ذ.م.م", "شركة المثال ش.م.م."},
		{"IR", "مثال", "شرکت مثال سهامی خاص", "شرکت مثال (سهامی عام)"},
		{"IL", "דוגמה", "דוגמה בע״מ", `דוגמה בע"מ`, "דוגמה בעמ"},
		{"CN", "华为技术", "华为技术有限公司", "华为技术股份有限公司", "华为技术有限责任公司"},
		{"TW", "台灣電力", "台灣電力股份有限公司", "台灣電力有限公司"},
		{"JP", "サクラ商事", "株式会社サクラ商事", "サクラ商事株式会社", "株式会社 サクラ商事", "㈱サクラ商事", "(株)サクラ商事", "サクラ商事（株）", "㍿サクラ商事", "ｻｸﾗ商事株式会社", "有限会社サクラ商事"},
		{"JP", "ガラス工業", "ガラス工業株式会社", "ｶﾞﾗｽ工業㈱"},
		{"JP", "sakura", "Sakura K.K.", "Sakura KK", "KK Sakura", "Kabushiki Kaisha Sakura", "Ｓａｋｕｒａ Ｋ．Ｋ．"},
		{"KR", "삼성전자", "주식회사 삼성전자", "삼성전자", "삼성전자 주식회사", "주식회사삼성전자", "(주)삼성전자", "㈜삼성전자", "삼성전자㈜", "삼성전자 (주)"},
		{"TH", "ปตท", "บริษัท ปตท. จำกัด (มหาชน)", "บริษัทปตทจำกัด", "ปตท จำกัด", "บมจ. ปตท"},
		{"VN", "sua viet nam", "Công ty TNHH Sữa Việt Nam", "Công ty Cổ phần Sữa Việt Nam", "CTCP Sữa Việt Nam", "Công ty TNHH MTV Sữa Việt Nam", "CÔNG TY TNHH MỘT THÀNH VIÊN SỮA VIỆT NAM"},
		{"", "sua viet nam", "Công ty TNHH Sữa Việt Nam"},
		{"LA", "ລາວ", "ບໍລິສັດ ລາວ ຈຳກັດ"},
		{"MN", "говь", "Говь ХХК"},
		{"DE", "sarl", "SARL"},
		{"FR", "generale", "Générale", "Ge\u0301ne\u0301rale", "ＧÉＮÉＲＡＬＥ SA"},
		{"US", "us steel", "U.S. Steel Corp.", "U.S.Steel", "US Steel"},
		{"US", "ab example", "AB\u00ad Example", "A\u200bB Example"},
	} {
		for _, name := range c[2:] {
			require.Equal(t, c[1], match.Normalize(name, c[0]).Plain, "%s in %q", name, c[0])
		}
	}
}
