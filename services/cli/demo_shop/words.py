"""Turns a till's text ("FRZN BRD FILLETS (OVER 5") into words ("Frozen Breaded Fillets")."""

import re
from fractions import Fraction

WORDS = {
    "&": "&", "WITH": "with", "N": "and", "AND": "&", "FRZN": "Frozen", "FRZ": "Frozen", "FRE": "Fresh",
    "REFRGRATD": "Refrigerated", "REFRIG": "Chilled", "MISC": "Assorted", "MISC.": "Assorted",
    "MISCELLANEOUS": "Assorted", "CND": "Canned", "CAN": "Canned", "CANS": "Canned", "PKG": "Packed",
    "PKGD": "Packed", "PPK": "Packed", "PREPACK": "Packed", "PRPCK": "Packed", "PRSLC": "Sliced",
    "PRESLC": "Sliced", "PRESLCD": "Sliced", "PREPORTND": "Portioned", "BRD": "Breaded", "CHIX": "Chicken",
    "CHICK": "Chicken", "FRD": "Fried", "8PC": "8-Piece", "FD": "Food", "FDS": "Food", "PREP": "Prepared",
    "GDS": "Goods", "SW": "Sweet", "SWT": "Sweet", "FLVR": "Flavored", "FLVRD": "Flavored",
    "REG": "Regular", "DECAF": "Decaf", "DECAFFINATED": "Decaf", "JCE": "Juice", "JUIC": "Juice",
    "BEV": "Drink", "DRNK": "Drink", "DRNKS": "Drinks", "BTL": "Bottle", "CARB": "Carbonated",
    "WTR": "Water", "VEG": "Vegetable", "DSH": "Dish", "MXS": "Mixes", "MIXS": "Mixes", "MX": "Mix",
    "PNT": "Peanut", "BTR": "Butter", "SALD": "Salad", "SLD": "Salad", "DRSNG": "Dressing", "DPS": "Dips",
    "SAUS": "Sausage", "GRND": "Ground", "PTTY": "Patty", "BRST": "Breast", "BRSKT": "Brisket",
    "SHLDR": "Shoulder", "STK": "Steaks", "CHP": "Chops", "SLC": "Slices", "STW": "Stew", "STRP": "Strips",
    "FLNK": "Flank", "PLT": "Plate", "SHNK": "Shank", "SHLFSH": "Shellfish", "MARIN": "Marinades",
    "SPLY": "Supplies", "ACC": "Accessories", "ACCESS": "Accessories", "ACCESSIORES": "Accessories",
    "CTLRY": "Cutlery", "HLTH": "Health", "HYGN": "Hygiene", "HYGN.": "Hygiene", "FEM": "Feminine",
    "FEM.": "Feminine", "DIPILATORIES": "Hair Removal", "PROPHYLACTICS": "Condoms",
    "ANALGESICS": "Pain Relief", "MENS": "Men's", "WOMENS": "Women's", "LADIES": "Women's", "KIDS": "Kids'",
    "BOYS": "Boys'", "GIRLS": "Girls'", "YNG": "Young", "INF": "Infant", "TODD": "Toddler", "DVDS": "DVDs",
    "DVD": "DVD", "CD": "CD", "IQF": "Quick-Frozen", "RTD": "Ready-to-Drink", "RTS": "Ready-to-Serve",
    "XMAS": "Christmas", "HALLOWEN": "Halloween", "POINSETTA": "Poinsettia", "HOLDIAY": "Holiday",
    "PROTIEN": "Protein", "SPECILATY": "Specialty", "CHOCOCLATE": "Chocolate", "WORCHESTER": "Worcester",
    "RANIER": "Rainier", "FLOURSCENT": "Fluorescent", "SOULABLE": "Soluble", "RECHARABLE": "Rechargeable",
    "SWIN": "Swim", "OTYHER": "Other", "CNTRL": "Control", "LIQS": "Drinks", "LIQ": "Liquid",
    "NUTRITNL": "Nutrition", "NTRTNL": "Nutrition", "VITS": "Vitamins", "SUPPLEMEN": "Supplements",
    "NUT": "Nut", "SUPP": "Supplement", "SV": "Fountain", "QSR": "Quick Meal", "DL": "Deli",
    "SPEC": "Specialty", "COFF": "Coffee", "SHOP": "Shop", "GNGR": "Ginger", "GNGRALE": "Ginger Ale",
    "TN": "Tennessee", "LT": "Liter", "1.5LT": "1.5-Liter", "ORGNZRS": "Organizers", "HNGRS": "Hangers",
    "CB": "Cut", "JHOOK": "", "SPT": "Sport", "FASH": "Fashion", "LRG": "Large", "LNCHMT": "Lunch Meat",
    "LUNCHMEAT": "Lunch Meat", "MEDICATE": "Medicated", "MUST": "Mustards", "SCE": "Sauce", "BBQ": "BBQ",
    "TV": "TV", "HBC": "Care", "ORIENTAL": "Asian", "INSTORE": "In-Store", "PLSTC": "Plastic",
    "NATRL": "Natural", "NAT": "Natural", "LNDRY": "Laundry", "ELSTC": "Elastic", "BNDGES": "Bandages",
    "SUPRT": "Support", "PERSNL": "Personal", "APPL": "Appliance", "BLOUSES": "Blouses",
    "TRANS": "Transmission", "INGRED": "Ingredients", "HH": "Household", "RX": "Medicine",
    "SNSL": "Seasonal", "N-PRESC": "", "OTC": "Pharmacy", "EX:": "", "IN": "in", "OF": "of", "FOR": "for",
    "ON": "on", "THE": "the", "TO": "to", "SWEETNERS": "Sweeteners", "BRKFST": "Breakfast",
    "WHLSM": "Wholesome", "CONVENIENT": "Convenient", "CKTLS": "Cocktails", "RBR": "Rubber",
    "SYRNGS": "Syringes", "BX": "Box", "P": "Potted", "S": "", "GM": "", "PLUS": "Plus", "CKE": "Cake",
    "ACCSS": "Accessories", "CNDLES": "Candles", "ICECREAM": "Ice Cream", "NOVELTIES": "Novelties",
    "EXTRA": "Extra", "DEPT": "", "ALL": "",
}  # fmt: skip

_ASIDE = re.compile(r"\([^)]*\)?")  # also one that the till cut off
_BEFORE_COLON = re.compile(
    r"^(?:MEAT|SW GDS|SWEET GOODS|PREP FD|PREP FOODS|SAL|SV BEV|DL SPEC|MISC|DELI TRAY|QSR FD|COFF SHOP|CHIX|"
    r"PARTY TRAYS|CAKES|COOKIES|PIES|BREAD|ROLLS|SNACKS)\s*:\s*"
)
_KEPT_BEFORE_COLON = {
    "CHIX": "Chicken", "CAKES": "Cake", "COOKIES": "Cookies", "PIES": "Pie", "BREAD": "Bread",
    "ROLLS": "Rolls", "DELI TRAY": "Deli Tray", "PARTY TRAYS": "Party Tray",
}  # fmt: skip
_TILL_WIDTH = 30  # the till cut texts here


def readable(text: str) -> str:
    """Title-cased English for a till's text; empty when nothing readable is in it."""
    cut = len(text) >= _TILL_WIDTH
    kept = ""
    if found := _BEFORE_COLON.match(text):
        kept = _KEPT_BEFORE_COLON.get(found.group().rstrip(": "), "")
        text = text[found.end() :]
    text = re.sub(r"-MAGAZINE$", " Magazine", text).replace("W/", "WITH ").replace("MULTI-P", "MULTIP")
    text = re.sub(r"\s-\s*$", "", _ASIDE.sub(" ", text)).strip()
    if text.count(" - ") == 1:  # "BEEF - FULLY COOKED" reads "Fully Cooked Beef"
        text = " ".join(reversed(text.split(" - ")))
    text = re.sub(r"(?<=\w)\s+(?:ALL )?OTHERS?$", "", text)
    words = [word for part in re.split(r"[\s_:]+|,", text) for word in _split(part)]
    if cut and "(" not in text and len(words) > 2 and _looks_cut(words[-1]):
        words.pop()
    title = " ".join(filter(None, (_word(word) for word in words)))
    title = re.sub(r"\s*[&\-/]\s*$|^\s*[&\-/]\s*", "", re.sub(r"\s+", " ", title)).strip()
    if kept and kept.lower() not in title.lower():
        title = f"{title} {kept}" if kept != "Chicken" else f"{title} Chicken"
    return title[:1].upper() + title[1:]


def _split(part: str) -> list[str]:
    """ "A/B" reads "A & B"; a dash between words reads as a space."""
    if part.upper() in WORDS or re.fullmatch(r"[\d.%]+.*", part):
        return [part]
    return [piece for piece in re.sub(r"[/&]", " & ", part.replace("-", " ")).split(" ") if piece]


def _looks_cut(word: str) -> bool:
    return word.upper() not in WORDS and len(word) <= 3


def _word(word: str) -> str:
    known = WORDS.get(word.upper())
    if known is not None:
        return known
    return word if not word.isupper() or word[0].isdigit() else word.capitalize()


_SIZE_UNITS = {
    "OZ": "oz", "FZ": "fl oz", "FL OZ": "fl oz", "LB": "lb", "LBS": "lb", "CT": "count", "ML": "ml",
    "L": "l", "LT": "l", "LTR": "l", "GA": "gal", "GAL": "gal", "PT": "pint", "QT": "quart", "PK": "pack",
    "GM": "g", "GR": "g", "G": "g", "KG": "kg", "SQ FT": "sq ft", "FT": "ft", "IN": "in", "DZ": "dozen",
    "EA": "each", "LOAD": "loads", "LD": "loads", "STEM": "stems", "KIT": "kit", "ROLL": "rolls",
    "TAB": "tablets", "YD": "yd", "SHT": "sheets", "PC": "pieces",
}  # fmt: skip
_UNIT = "|".join(sorted((re.escape(unit) for unit in _SIZE_UNITS), key=len, reverse=True))
_NUMBER = r"(?:\d+ \d+/\d+|\d+/\d+|\d+(?:\.\d+)?|\.\d+)"
_COUNT = r"(\d+)\s*(?:PKS?|CT|P)"
_AMOUNT = rf"({_NUMBER})\s*({_UNIT})S?\.?"
_PLAIN = re.compile(rf"^({_NUMBER})\s*(?:-\s*({_NUMBER})\s*)?({_UNIT})S?\.?(?:\s[^\d/]*)?$")
_PACK = re.compile(rf"^(\d+)\s*(?:PKS?|CT|P)?\s*[/X]\s*{_AMOUNT}$")
_PACK_LAST = re.compile(rf"^{_AMOUNT}\s*[/X]\s*{_COUNT}$")
_ALONE = {
    "PT": "1 pint", "QT": "1 quart", "GAL": "1 gal", "GA": "1 gal", "DZ": "1 dozen", "DOZ": "1 dozen",
    "PER LB": "per lb", "LB": "per lb", "HALF GAL": "1/2 gal", "1/2 GAL": "1/2 gal", "1/2 PT": "1/2 pint",
    "1/2 PINT": "1/2 pint", "EACH": "each", "EA": "each",
}  # fmt: skip


def size(text: str) -> str:
    """A package size as a shopper reads it ("12 PK/12 OZ" -> "12 × 12 oz"); empty when it tells nothing."""
    text = re.sub(r"^\([^)]*\)\s*|^[A-Z]\s+(?=\d)|^A\s+", "", re.sub(r"\s+", " ", text.strip().upper()))
    if text in _ALONE:
        return _ALONE[text]
    if found := _PACK.match(text):
        return f"{found[1]} × {_trim(found[2])} {_SIZE_UNITS[found[3]]}"
    if found := _PACK_LAST.match(text):
        return f"{found[3]} × {_trim(found[1])} {_SIZE_UNITS[found[2]]}"
    if found := _PLAIN.match(text):
        until = f"-{_trim(found[2])}" if found[2] else ""
        return f"{_trim(found[1])}{until} {_SIZE_UNITS[found[3]]}"
    return ""


def _trim(number: str) -> str:
    """ "5.0" -> "5", ".75" -> "0.75", "8 1/2" -> "8.5"."""
    return f"{float(sum(Fraction(part) for part in number.split())):g}"
