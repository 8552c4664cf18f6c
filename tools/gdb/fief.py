"""fief in gdb: who is there, what an address is, what a heap holds, and whether it is whole.

    (gdb) source fief.py        or "gdb -x fief.py"; an installed libfief brings it along
    (gdb) help fief

It only reads memory and debug information: nothing of the program is called, so that it works in a core file, in a
program stopped anywhere, and after the heap was overwritten. Whatever it reads may be garbage: every address is
checked before it is followed, every list has an end, and what is wrong is told in plain words.

What the memory means is said in the library's headers: arena/descriptor.h, arena/map.h, heap/heap.h, debug/record.h,
debug/fence.h, debug/guard.h, trace/depot.c. Offsets and constants come from the debug information of the library that
runs, so that this file does not repeat them.
"""
import collections
import os
import struct
import time

import gdb

WORD = 1 << 64
CHUNK_BYTES = 1 << 16
MOST_PROBLEMS = 20
MOST_SHOWN = 50
STATES = {1: "live", 2: "closing", 3: "ended"}
LEVELS = {0: "off", 1: "check", 2: "full", 3: "guard"}


class Trouble(Exception):
    """What the user is to be told instead of an answer."""


class Unreadable(Exception):
    """Memory that is not there."""

    def __init__(self, address):
        super().__init__("memory at %#x can't be read" % address)
        self.address = address


# ---- memory and layouts -----------------------------------------------------------------------------------------


class Memory:
    """Reads in large pieces, and each piece once for each command."""

    def __init__(self):
        self.inferior = gdb.selected_inferior()
        self.chunks = {}

    def ask(self, address, count):
        try:
            return bytes(self.inferior.read_memory(address, count))
        except (gdb.error, OverflowError, ValueError):
            return None

    def piece(self, address):
        """The start of the piece that an address lies in, and its bytes: a page where not all of a chunk is there."""
        for size in (CHUNK_BYTES, 4096):
            start = address & -size
            if start not in self.chunks or (size == 4096 and self.chunks[start] is None):
                self.chunks[start] = self.ask(start, size)
            data = self.chunks[start]
            if data is not None and address < start + len(data):
                return start, data
        raise Unreadable(address)

    def read(self, address, count):
        if not 0 <= address <= address + count <= WORD:
            raise Unreadable(address % WORD)
        parts = []
        while count > 0:
            start, data = self.piece(address)
            part = data[address - start:address - start + count]
            parts.append(part)
            address += len(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def word(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def words(self, address, count):
        return struct.unpack("<%dQ" % count, self.read(address, 8 * count))


class Layout:
    """Where the fields of a type are."""

    CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}

    def __init__(self, kind):
        self.kind = kind.strip_typedefs()
        self.bytes = self.kind.sizeof
        if not self.kind.fields():
            raise Trouble("the debug information does not say what a '%s' is" % kind)

    @staticmethod
    def find(kind, name):
        for field in kind.strip_typedefs().fields():
            if field.name == name:
                return field.bitpos // 8, field.type
            if not field.name:  # an anonymous union
                inner = Layout.find(field.type, name)
                if inner is not None:
                    return field.bitpos // 8 + inner[0], inner[1]
        return None

    def place(self, path):
        offset, kind = 0, self.kind
        for name in path.split("."):
            found = self.find(kind, name)
            if found is None:
                raise Trouble("this library's '%s' has no '%s': fief.py is for another version" % (self.kind, path))
            offset, kind = offset + found[0], found[1]
        return offset, kind.strip_typedefs()

    def offset(self, path):
        return self.place(path)[0]

    def picker(self, name, paths):
        return Picker(self, name, paths.split())


class Picker:
    """Takes some fields out of the bytes of a type, as a named tuple: "made.ms" becomes made_ms."""

    def __init__(self, layout, name, paths):
        self.bytes = layout.bytes
        self.tuple = collections.namedtuple(name, [path.replace(".", "_") for path in paths])
        places = [layout.place(path) for path in paths]
        order = sorted(range(len(paths)), key=lambda i: places[i][0])
        form, at = "<", 0
        for i in order:
            offset, kind = places[i]
            code = Layout.CODES[kind.sizeof]
            signed = kind.code == gdb.TYPE_CODE_INT and str(kind) in ("short", "int", "long", "long long")
            form += "%dx%s" % (offset - at, code.lower() if signed else code)
            at = offset + kind.sizeof
        self.format = struct.Struct(form + "%dx" % (self.bytes - at))
        self.back = [order.index(i) for i in range(len(paths))]

    def unpack(self, data, offset=0):
        values = self.format.unpack_from(data, offset)
        return self.tuple(*[values[i] for i in self.back])

    def at(self, memory, address):
        return self.unpack(memory.read(address, self.bytes))

    def table(self, memory, address, count):
        data = memory.read(address, self.bytes * count)
        return [self.unpack(data, i * self.bytes) for i in range(count)]


def text_of(data):
    """Printable, whatever was there."""
    text = data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in text)


def round_up(n, unit):
    return (n + unit - 1) & -unit


def counted(n, what):
    return "%s %s%s" % (format(n, ","), what, "" if n == 1 else "s")


def size_text(n):
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= unit:
            return "%d %s" % (n // unit, name) if n % unit == 0 else "%.1f %s" % (n / unit, name)
    return "%d B" % n


# ---- the library in the program ---------------------------------------------------------------------------------

NO_DEBUG_INFO = ("%s has fief in it, but its debug information is missing.\nInstall it, or build fief with -g (meson "
                 "setup --buildtype=debugoptimized) and unstripped.")


def library_without_debug_info():
    """The file that holds a fief that gdb knows no types of; None: there is no fief."""
    try:
        address = int(gdb.parse_and_eval("(unsigned long)&fief_create"))
    except gdb.error:
        return None
    name = gdb.solib_name(address)
    return os.path.basename(name or gdb.current_progspace().filename or "the program")


def map_symbols():
    for objfile in gdb.objfiles():
        symbol = objfile.lookup_global_symbol("fi_the_map") if objfile.is_valid() else None
        if symbol is not None and symbol.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
            yield symbol


def find_map():
    """The map of the fief that is in use, where the program has several."""
    symbols = list(map_symbols())
    if not symbols:
        holder = library_without_debug_info()
        raise Trouble(NO_DEBUG_INFO % holder if holder else "there is no fief in this program, or it is not loaded yet")
    try:
        used = [s for s in symbols if int(s.value()["units"]) != 0]
    except gdb.error:
        raise Trouble("the program does not run: there is no memory to look at") from None
    if not used:
        raise Trouble("no interpreter was ever created in this program")
    return used[0]


class World:
    """All of fief's in the program, as of one command."""

    def __init__(self):
        self.map_symbol = find_map()
        self.memory = Memory()
        self.problems = []
        fi_map = self.map_symbol.value()
        self.units = int(fi_map["units"])
        self.pools, self.remote = int(fi_map["pools"]), int(fi_map["remote"])
        self.arenas, self.heads = int(fi_map["arenas"]), int(fi_map["heads"])
        self.recent_owner = int(fi_map["recent_owner"])
        self.granule_shift = self.constant("FI_GRANULE_SHIFT")
        self.unit_shift = self.constant("FI_UNIT_SHIFT")
        self.alternates = self.constant("FI_MAP_ALTERNATES")
        self.fence_bytes = self.constant("FI_FENCE_BYTES")
        self.fence_fill, self.freed_fill = self.constant("FI_FENCE"), self.constant("FI_FREED")
        self.granule_bytes = 1 << self.granule_shift
        self.handle_bytes = self.constant("FI_HANDLE_BYTES")
        self.page_bytes = int(self.static("fi_os_page", "os_linux.c").value())
        self.pool_states = self.names_of("fi_pool_state", "FI_POOL_")
        self.record_states = self.names_of("fi_record_state", "FI_RECORD_")
        self.read_layouts()
        self.read_classes()
        self.slots_by_address = {}
        self.slots = list(self.read_slots())
        self.heaps = {}
        self.traces = Traces(self)
        self.find_clock()

    # -- symbols --

    def static(self, name, file):
        """A variable of the library's own, and not the program's of the same name."""
        objfile = self.map_symbol.symtab.objfile
        symbol = objfile.lookup_global_symbol(name)
        if symbol is not None:
            return symbol
        for symbol in gdb.lookup_static_symbols(name):
            if symbol.symtab.objfile == objfile and os.path.basename(symbol.symtab.filename) == file:
                return symbol
        raise Trouble("the debug information of fief has no '%s': it was built without -g in part, or fief.py is for "
                      "another version" % name)

    def constant(self, name, block=None):
        symbol = gdb.lookup_symbol(name, block)[0] if block is not None else gdb.lookup_static_symbol(name)
        if symbol is None:
            raise Trouble("the debug information of fief has no '%s': fief.py is for another version" % name)
        return int(symbol.value())

    def type(self, name, block=None):
        try:
            return gdb.lookup_type(name, block) if block is not None else gdb.lookup_type(name)
        except gdb.error:
            raise Trouble("the debug information of fief has no type '%s'" % name) from None

    def names_of(self, name, prefix):
        fields = self.type(name).strip_typedefs().fields()
        return {f.enumval: f.name[len(prefix):].lower() for f in fields}

    def read_layouts(self):
        self.pool_picker = Layout(self.type("fi_pool")).picker(
            "PoolFields", "free base multiplier limit count floor carved generation size_class state capacity arena "
            "next prev")
        self.arena_picker = Layout(self.type("fi_arena")).picker(
            "ArenaFields", "start bytes owner owner_id remote_summary free_granules next prev slot index state granules "
            "from_provider holds_handle list foreign_ends")
        self.slot_layout = Layout(self.type("fi_slot"))
        self.slot_picker = self.slot_layout.picker(
            "SlotFields", "id heap state watched foreign_in late_in number")
        self.heap_layout = Layout(self.type("struct fief"))
        self.heap_picker = self.heap_layout.picker(
            "HeapFields", "id slot state debug own_lists arenas arena_end arena_room count.listed count.large_blocks "
            "count.large_bytes count.watched_allocations count.watched_blocks count.watched_bytes count.pools "
            "count.arenas count.reserved_bytes count.charged_bytes limit.hard_bytes")
        self.record_picker = Layout(self.type("fi_record")).picker(
            "Record", "state serial size next freed_by made.trace made.thread made.ms freed.trace freed.thread freed.ms "
            "alignment_shift domain room_shift tag offset")
        self.debug_layout = Layout(self.type("struct fi_debug"))
        self.debug_picker = self.debug_layout.picker(
            "DebugFields", "level fills serial now_ms quarantine.oldest quarantine.newest quarantine.bytes "
            "quarantine.most_bytes guards.places.oldest guards.places.count guards.arenas.oldest guards.arenas.count "
            "guards.live guards.sample inside_thread")

    def read_classes(self):
        table = self.static("fi_size_classes", "size_class.c").value()
        entry = Layout(table.type.target()).picker("SizeClass", "multiplier bytes")
        count = table.type.sizeof // entry.bytes
        self.classes = entry.table(self.memory, int(table.address), count)
        self.fine_classes = self.constant("FI_FINE_CLASSES")
        self.remote_words = self.granule_bytes // 16 // 32

    # -- who there is --

    def read_slots(self):
        chunks = self.static("chunks", "registry.c")
        pointers = int(chunks.value().address)
        per_chunk = self.constant("CHUNK_SLOTS", chunks.symtab.static_block())
        left = int(self.static("slot_count", "registry.c").value())
        most = chunks.type.sizeof // 8
        for i in range(min(most, (left + per_chunk - 1) // per_chunk)):
            count = min(left, per_chunk)
            left -= count
            try:
                chunk = self.memory.word(pointers + 8 * i)
                for k in range(count):
                    yield self.slot_at(chunk + k * self.slot_layout.bytes)
            except Unreadable as e:
                self.problems.append("the registry's slots: %s" % e)

    def slot_at(self, address):
        if address not in self.slots_by_address:
            self.slots_by_address[address] = Slot(self, address)
        return self.slots_by_address[address]

    def known(self):
        """Interpreters that have a name, living ones first."""
        named = [s for s in self.slots if s.id != 0]
        return sorted(named, key=lambda s: (s.state == 3, s.id))

    def name_interpreter(self, text):
        """By id or by name."""
        known = self.known()
        if text.isdigit():
            match = [s for s in known if s.id == int(text)]
        else:
            match = [s for s in known if s.name == text] or [s for s in known if text and text in s.name]
        living = [s for s in match if s.state != 3] or match
        if not living:
            raise Trouble("no interpreter '%s' is known; \"fief list\" shows who there is" % text)
        if len(living) > 1:
            some = ", ".join("%d \"%s\"" % (s.id, s.name) for s in living[:6])
            raise Trouble("'%s' may be any of %s%s" % (text, some, ", ..." if len(living) > 6 else ""))
        return living[0]

    def heap_of(self, slot):
        if slot.heap_address == 0:
            raise Trouble("%s has %s: its heap is gone; \"fief explain\" still tells of its addresses" % (
                slot, "ended" if slot.state == 3 else "no heap to walk"))
        if slot.id not in self.heaps:
            self.heaps[slot.id] = Heap(self, slot)
        return self.heaps[slot.id]

    # -- the map --

    def map_slot(self, address, alternate):
        return ((address >> self.unit_shift) ^ (alternate * (self.units // self.alternates))) & (self.units - 1)

    def head(self, slot):
        return struct.unpack("<I", self.memory.read(self.heads + 4 * slot, 4))[0]

    def arena_in(self, slot):
        return Arena(self, self.arenas + slot * self.arena_picker.bytes)

    def find_arena(self, address):
        dead = None
        for alternate in range(self.alternates):
            head = self.head(self.map_slot(address, alternate))
            if head == 0 or head >= self.units:
                continue
            arena = self.arena_in(head)
            if not arena.start <= address < arena.start + arena.bytes:
                continue
            if arena.owner != 0:
                return arena
            dead = dead or arena
        return dead

    def is_reserved(self, address):
        symbol = self.static("regions", "space.c")
        count = int(self.static("region_count", "space.c").value())
        picker = Layout(symbol.type.target()).picker("Region", "start units")
        most = symbol.type.sizeof // picker.bytes
        return any(r.start <= address < r.start + (r.units << self.unit_shift)
                   for r in picker.table(self.memory, int(symbol.value().address), min(count, most)))

    def tombstone(self, address):
        head = self.head(self.map_slot(address, 0))
        if head < 1 << 31:
            return 0
        behind = (self.recent_owner - head) & 0x7fffffff
        return self.recent_owner - (behind - (1 << 31) if behind >= 1 << 30 else behind)

    def pool_at(self, index):
        return Pool(self, index, self.memory.read(self.pools + index * self.pool_picker.bytes, self.pool_picker.bytes))

    def sent_bits(self, pool):
        """Which of a pool's blocks others have freed, and their owner has not taken in yet."""
        address = self.remote + pool.index * self.remote_words * 8
        sent = set()
        for i, word in enumerate(self.memory.words(address, min(self.remote_words, (max(pool.carved, 1) + 31) // 32))):
            if word >> 32 == pool.generation and word & 0xffffffff:
                sent.update(32 * i + bit for bit in range(32) if word >> bit & 1)
        return sent

    def sheet(self, pool_index):
        """The address of a granule's records; 0: it has none."""
        sheets = int(self.static("fi_sheets", "record.c").value())
        return self.memory.word(sheets + 8 * pool_index) if sheets != 0 else 0

    def record(self, pool_index, index):
        sheet = self.sheet(pool_index)
        if sheet == 0 or index >= self.constant("FI_SHEET_RECORDS") - 1:
            return None
        return self.record_picker.at(self.memory, sheet + index * self.record_picker.bytes)

    # -- names and times --

    def name_in(self, table, number):
        symbol = self.static(table, "tags.c")
        length = symbol.type.target().sizeof
        if number == 0:
            return ""
        if number >= symbol.type.sizeof // length:
            return "number %d" % number
        return text_of(self.memory.read(int(symbol.value().address) + number * length, length)) or "number %d" % number

    def find_clock(self):
        """The time of events is in milliseconds since the first: a living process of this machine has a clock."""
        self.now_ms, self.clock_runs = None, False
        function = self.map_symbol.symtab.objfile.lookup_global_symbol("fi_debug_ms")
        connection = getattr(self.memory.inferior, "connection", None)
        if function is None or connection is None or connection.type != "native":
            return
        block = gdb.block_for_pc(int(function.value().address))
        for symbol in block or []:
            if symbol.name == "epoch":
                epoch = self.memory.word(int(gdb.parse_and_eval("&'fi_debug_ms'::epoch")))
                if epoch != 0:
                    now = int(time.clock_gettime(time.CLOCK_MONOTONIC) * 1000)
                    self.now_ms, self.clock_runs = now + 1 - epoch, True

    def ago(self, ms):
        """How old an event is, as far as it was timed. In a core file the newest thing that is known is the end."""
        if ms == 0:
            return "not timed"
        if self.now_ms is None:
            self.now_ms = max([0] + [h.debug.now_ms for h in self.every_heap() if h.debug is not None])
        age = max(0, self.now_ms - ms)
        if self.clock_runs:
            return "%s ms ago" % format(age, ",")
        return "at least %s ms before the end" % format(age, ",") if age else "shortly before the end"

    def every_heap(self):
        for slot in self.slots:
            if slot.heap_address != 0:
                try:
                    yield self.heap_of(slot)
                except (Trouble, Unreadable):
                    pass


class Slot:
    """What is known of an interpreter, living or ended."""

    def __init__(self, world, address):
        fields = world.slot_picker.at(world.memory, address)
        self.address = address
        self.id, self.heap_address, self.state = fields.id, fields.heap, fields.state
        self.watched, self.is_immortal = fields.watched & 15, fields.watched & 16 != 0  # see fi_slot
        self.foreign_in, self.late_in = fields.foreign_in, fields.late_in
        offset, kind = world.slot_layout.place("name")
        self.name = text_of(world.memory.read(address + offset, kind.sizeof))

    def __str__(self):
        return "interpreter %d \"%s\"" % (self.id, self.name)

    def state_name(self):
        return STATES.get(self.state, "in no known state: %d" % self.state)

    def level_name(self):
        return LEVELS.get(self.watched, "level %d" % self.watched) + (", immortal" if self.is_immortal else "")


class Arena:
    def __init__(self, world, address):
        fields = world.arena_picker.at(world.memory, address)
        self.world, self.address, self.fields = world, address, fields
        self.start, self.bytes, self.owner = fields.start, fields.bytes, fields.owner
        self.owner_id, self.granules, self.index = fields.owner_id, fields.granules, fields.index
        self.number = (address - world.arenas) // world.arena_picker.bytes
        self.state = fields.state

    def state_name(self):
        names = {0: "none", 1: "live", 2: "warm: waits for the next interpreter", 3: "given back",
                 4: "kept for ever, for the blocks in it"}
        return names.get(self.state, "in no known state: %d" % self.state)

    def slot(self):
        """Its owner's, living or ended; None: nobody's, or garbage."""
        address = self.fields.remote_summary - self.world.slot_layout.offset("remote_summary")
        return self.world.slots_by_address.get(address) if self.fields.remote_summary != 0 else None

    def first_pool(self):
        return self.number << (self.world.unit_shift - self.world.granule_shift)

    def granule_of(self, address):
        granule = (address - self.start) >> self.world.granule_shift
        return granule if granule < self.granules else 0

    def used_granules(self):
        if self.granules == 0:
            return [0]
        return [g for g in range(min(self.granules, 64)) if not self.fields.free_granules >> g & 1]


class Pool:
    """A granule's descriptor."""

    def __init__(self, world, index, data, offset=0):
        f = world.pool_picker.unpack(data, offset)
        self.world, self.index, self.fields = world, index, f
        self.carved, self.capacity, self.generation = f.carved, f.capacity, f.generation
        self.size_class, self.large_bytes = f.size_class, f.multiplier
        self.used = f.floor + f.count
        self.state = world.pool_states.get(f.state, "in no known state: %d" % f.state)
        self.ends_elsewhere = False

    def is_small(self):
        return self.state in ("current", "full", "ready")

    def is_large(self):
        return self.state in ("large", "huge")

    def is_guarded(self):
        return self.state == "guarded"

    def start(self, owner):
        return (self.fields.base - owner) % WORD

    def block_bytes(self):
        return self.world.classes[self.size_class].bytes

    def place_bytes(self):
        """Of the pages that a guarded block has."""
        page = self.world.page_bytes
        return page if self.carved > 1 else self.large_bytes - 2 * page

    def records(self, count=None):
        """All of its records; [] where it has none."""
        sheet = self.world.sheet(self.index)
        if count is None:
            count = 1 if self.is_large() else self.carved
        return self.world.record_picker.table(self.world.memory, sheet, count) if sheet != 0 else []


# ---- stacks -----------------------------------------------------------------------------------------------------


class Traces:
    """The store of stacks, and what gdb knows of their addresses."""

    ODD = 0x9E3779B97F4A7C15

    def __init__(self, world):
        self.world, self.memory = world, world.memory
        self.lines, self.places = {}, {}
        self.base = None

    def open(self):
        symbol = self.world.static("the_depot", "depot.c")
        block = symbol.symtab.static_block()
        self.base = int(symbol.value())
        depot, entry = Layout(symbol.type.target()), Layout(self.world.type("entry", block))
        self.first = depot.bytes
        self.used = self.memory.word(self.base + depot.offset("used")) if self.base != 0 else 0
        self.picker = entry.picker("Entry", "hash bytes kind")
        self.words_at = entry.offset("words")
        self.grain = self.world.constant("GRAIN_BYTES", block)
        self.most_words = self.world.constant("MOST_WORDS", block)

    def hash(self, kind, words, count):
        odd, a, b = self.ODD, (self.ODD + count) % WORD, kind
        for i in range(0, len(words) - 1, 2):
            a = (a ^ words[i]) * odd % WORD
            b = (b ^ words[i + 1]) * odd % WORD
            a ^= a >> 32
            b ^= b >> 32
        if len(words) % 2:
            a = (a ^ words[-1]) * odd % WORD
        return ((((a ^ a >> 29) * odd % WORD) ^ b) * odd % WORD) >> 32

    def entry(self, number):
        """(kind, bytes, words) or None: a number may be garbage, and then fails its own hash."""
        at = number * self.grain
        if self.base == 0 or at < self.first or at + self.words_at > self.used:
            return None
        entry = self.picker.at(self.memory, self.base + at)
        count = (entry.bytes + 7) // 8
        if count > self.most_words or at + self.words_at + 8 * count > self.used:
            return None
        words = self.memory.words(self.base + at + self.words_at, count)
        return (entry.kind, entry.bytes, words) if self.hash(entry.kind, words, entry.bytes) == entry.hash else None

    def stack(self, number):
        """The lines of a runtime's own frames, and the return addresses."""
        if self.base is None:
            self.open()
        entry = self.entry(number)
        if entry is not None and entry[0] == 1:
            return [], list(entry[2])
        if entry is None or entry[0] != 3:
            return None
        text, below = self.entry(entry[2][0] >> 32), self.entry(entry[2][0] & 0xffffffff)
        lines = []
        if text is not None and text[0] == 2:
            raw = struct.pack("<%dQ" % len(text[2]), *text[2])[:text[1]]
            lines = [text_of(line) for line in raw.split(b"\n") if line]
        return lines, list(below[2]) if below is not None and below[0] == 1 else []

    def frames(self, number):
        """Innermost first, each a line of text."""
        if number == 0:
            return []
        if number not in self.lines:
            try:
                stack = self.stack(number)
            except Unreadable as e:
                stack = ["(%s)" % e], []
            self.lines[number] = ["(trace %d is none of the store's)" % number] if stack is None else \
                stack[0] + [self.symbolise(pc) for pc in stack[1]]
        return self.lines[number]

    def site(self, number):
        frames = self.frames(number)
        return frames[0] if frames else "(site unknown)"

    def symbolise(self, pc):
        if pc not in self.places:
            self.places[pc] = self.look_up(pc)
        return self.places[pc]

    @staticmethod
    def look_up(pc):
        """A return address: what it returns from lies before it."""
        text = "%#x" % pc
        try:
            block = gdb.block_for_pc(pc - 1)
            while block is not None and block.function is None:
                block = block.superblock
            if block is not None:
                text = block.function.print_name
            else:
                symbol = gdb.execute("info symbol %#x" % (pc - 1), to_string=True).split(" in section ")
                text = symbol[0] if len(symbol) > 1 else text
            line = gdb.find_pc_line(pc - 1)
            if line.symtab is not None and line.line != 0:
                return "%s at %s:%d" % (text, os.path.basename(line.symtab.filename), line.line)
            module = gdb.solib_name(pc - 1) or gdb.current_progspace().filename
            return "%s (%s)" % (text, os.path.basename(module)) if module else text
        except gdb.error:
            return text


# ---- one living heap --------------------------------------------------------------------------------------------


Block = collections.namedtuple("Block", "address size slot_bytes state pool index record")


class Heap:
    def __init__(self, world, slot):
        self.world, self.memory, self.slot = world, world.memory, slot
        self.address = slot.heap_address
        self.problems = []
        try:
            self.fields = world.heap_picker.at(self.memory, self.address)
        except Unreadable as e:
            raise Trouble("the handle of %s: %s" % (slot, e)) from None
        self.check_handle()
        self.debug = None
        if self.fields.debug != 0:
            try:
                self.debug = world.debug_picker.at(self.memory, self.fields.debug)
            except Unreadable as e:
                self.complain("what is known for debugging: %s" % e)
        self.is_watched = self.fields.own_lists != 0
        self.arenas = list(self.read_arenas())
        self.pools = [(arena, pool) for arena in self.arenas for pool in self.read_pools(arena)]
        self.pool_by_granule = {}
        for _, pool in self.pools:
            self.pool_by_granule[pool.start(self.address) >> world.granule_shift] = pool
        self.list_cache = None
        self.lists_are_whole = True
        self.pool_lists = {}

    def complain(self, text):
        if text not in self.problems:
            self.problems.append(text)

    def check_handle(self):
        if self.fields.id != self.slot.id or self.fields.slot != self.slot.address:
            raise Trouble("the handle of %s at %#x is damaged: it says that it is interpreter %d's" % (
                self.slot, self.address, self.fields.id))

    # -- arenas and pools --

    def read_arenas(self):
        count = self.fields.arena_end
        if count > self.fields.arena_room or count > self.world.units:
            self.complain("the handle's table of arenas is damaged: %d in use of %d" % (count, self.fields.arena_room))
            return
        try:
            pointers = self.memory.words(self.fields.arenas, count)
        except Unreadable as e:
            self.complain("the handle's table of arenas: %s" % e)
            return
        for index, pointer in enumerate(pointers):
            if pointer == 0:
                continue
            arena = self.arena_at(index, pointer)
            if arena is not None:
                yield arena

    def arena_at(self, index, pointer):
        number, rest = divmod(pointer - self.world.arenas, self.world.arena_picker.bytes)
        if rest != 0 or not 0 < number < self.world.units:
            self.complain("the table of arenas has %#x at %d, which is no arena" % (pointer, index))
            return None
        try:
            arena = Arena(self.world, pointer)
        except Unreadable as e:
            self.complain("arena %d: %s" % (index, e))
            return None
        if arena.owner != self.address or arena.owner_id != self.slot.id:
            self.complain("arena %d at %#x does not belong to this heap" % (index, arena.start))
            return None
        if arena.index != index or arena.granules > 64:
            self.complain("the descriptor of arena %d at %#x is damaged" % (index, arena.start))
            return None
        return arena

    def read_pools(self, arena):
        first = arena.first_pool()
        used = arena.used_granules()
        size = self.world.pool_picker.bytes
        try:
            data = self.memory.read(self.world.pools + first * size, size * max(1, arena.granules))
        except Unreadable as e:
            self.complain("the pools of arena %d: %s" % (arena.index, e))
            return
        for granule in used:
            pool = Pool(self.world, first + granule, data, granule * size)
            if pool.state == "tail":
                continue
            pool.ends_elsewhere = arena.fields.foreign_ends >> granule & 1 != 0
            if self.is_sound(arena, pool, granule):
                yield pool

    def is_sound(self, arena, pool, granule):
        """Nothing is read by a descriptor that can't be."""
        where = "the pool at %#x" % (arena.start + (granule << self.world.granule_shift))
        start = pool.start(self.address)
        if pool.fields.generation % 2 != 0:
            self.complain("%s was being changed when the program stopped" % where)
            return False
        if pool.state == "none" and granule == 0 and arena.fields.holds_handle and self.slot.is_immortal:
            return False  # the handle's alone
        if pool.state == "none":
            self.complain("%s is none, though its granule is in use" % where)
            return False
        if pool.state not in self.world.pool_states.values() or pool.fields.arena != arena.address or \
                not arena.start <= start < arena.start + arena.bytes:
            self.complain("%s has a damaged descriptor" % where)
            return False
        if pool.is_small():
            if pool.size_class >= len(self.world.classes):
                self.complain("%s is of class %d, which there is none of" % (where, pool.size_class))
                return False
            end = start + pool.carved * pool.block_bytes()
            if pool.carved > pool.capacity or not 0 <= pool.used <= pool.carved or \
                    end > arena.start + (granule + 1 << self.world.granule_shift):
                self.complain("%s has counts that can't be: %d used, %d carved, room for %d" % (
                    where, pool.used, pool.carved, pool.capacity))
                return False
        elif start + pool.large_bytes > arena.start + arena.bytes:
            self.complain("%s has a block of %d bytes, which does not fit its arena" % (where, pool.large_bytes))
            return False
        return True

    # -- lists of free blocks --

    def where_in(self, address):
        """The small pool and the index of a block that starts there; None: none does."""
        pool = self.pool_by_granule.get(address >> self.world.granule_shift)
        if pool is None or not pool.is_small():
            return None
        index, rest = divmod(address - pool.start(self.address), pool.block_bytes())
        return (pool, index) if rest == 0 and 0 <= index < pool.carved else None

    def walk_list(self, first, what, only=None, most=None):
        """The blocks of a list, which ends in the handle or after so many, as far as it is whole; and whether it is."""
        blocks, seen, address = [], set(), first
        while address != self.address and len(blocks) != most:
            if address in seen:
                self.complain("%s goes in a circle, back to %#x after %s" % (
                    what, address, counted(len(blocks), "block")))
                return blocks, False
            place = self.where_in(address) if address % 8 == 0 else None
            if place is None or (only is not None and place[0].index != only.index):
                by = "begins with" if not blocks else "leads from %#x to" % blocks[-1]
                self.complain("%s %s %#x, which is no block %s" % (
                    what, by, address, "of this heap" if only is None else "of this pool"))
                return blocks, False
            try:
                link, mark = self.memory.words(address, 2)
            except Unreadable as e:
                self.complain("%s: %s" % (what, e))
                return blocks, False
            seen.add(address)
            blocks.append(address)
            if mark != address:
                self.complain("the free block %#x was written to: its mark is %#x (%s)" % (address, mark, what))
            address = link
        return blocks, True

    def pool_list(self, pool):
        """One that came with a parcel may end in the handle that it had."""
        if pool.index not in self.pool_lists:
            most = pool.carved - pool.used if pool.ends_elsewhere else None
            self.pool_lists[pool.index] = self.walk_list(
                pool.fields.free, "the free list of the pool at %#x" % pool.start(self.address), pool, most)
        return self.pool_lists[pool.index]

    def list_heads(self):
        count, fine = len(self.world.classes), self.world.fine_classes
        if self.fields.own_lists != 0:
            return self.memory.words(self.fields.own_lists, count)
        offset = self.world.heap_layout.offset
        return self.memory.words(self.address + offset("fast.lists"), fine) + \
            self.memory.words(self.address + offset("fast.coarse_lists"), count - fine)

    def listed(self):
        """The blocks in the handle's own lists: neither live nor in their pools."""
        if self.list_cache is None:
            self.list_cache = []
            try:
                heads = self.list_heads()
            except Unreadable as e:
                self.complain("the handle's lists: %s" % e)
                heads = []
            for size_class, head in enumerate(heads):
                if head != self.address:
                    what = "the handle's list of %d bytes" % self.world.classes[size_class].bytes
                    blocks, whole = self.walk_list(head, what)
                    self.list_cache += blocks
                    self.lists_are_whole = self.lists_are_whole and whole
        return self.list_cache

    # -- blocks --

    def small_blocks(self, pool):
        """Those that no list has are live, or freed by another and still on their way. Where a list is damaged, those
        that it does not lead to any more are known by their marks."""
        size, start = pool.block_bytes(), pool.start(self.address)
        blocks, whole = self.pool_list(pool)
        free, sent = set(blocks), self.world.sent_bits(pool)
        listed = self.listed_set()
        if not (whole and self.lists_are_whole):
            data = self.memory.read(start, pool.carved * size)
            free.update(start + i * size for i in range(pool.carved)
                        if struct.unpack_from("<Q", data, i * size + 8)[0] == start + i * size)
        for index in range(pool.carved):
            address = start + index * size
            state = "free" if address in free else "listed" if address in listed else \
                "sent" if index in sent else "live"
            yield Block(address, size, size, state, pool, index, None)

    def listed_set(self):
        if not hasattr(self, "listed_addresses"):
            self.listed_addresses = set(self.listed())
        return self.listed_addresses

    def recorded_blocks(self, pool):
        start = pool.start(self.address)
        for index, record in enumerate(pool.records()):
            state = self.world.record_states.get(record.state, "none")
            if state == "none":
                continue
            address, slot = start, pool.large_bytes
            if pool.is_small():
                slot = pool.block_bytes()
                address = start + index * slot
            elif pool.is_guarded():
                address = start + (2 * index + 1) * self.world.page_bytes + record.offset
                slot = pool.place_bytes() - record.offset
            yield Block(address, record.size, slot, state, pool, index, record)

    def blocks_of(self, pool):
        if pool.is_guarded() or self.is_watched:
            return self.recorded_blocks(pool)
        if pool.is_small():
            return self.small_blocks(pool)
        state = "sent" if 0 in self.world.sent_bits(pool) else "live"
        return [Block(pool.start(self.address), pool.large_bytes, pool.large_bytes, state, pool, 0, None)]

    def blocks(self):
        for _, pool in self.pools:
            try:
                yield from self.blocks_of(pool)
            except Unreadable as e:
                self.complain("the blocks of the pool at %#x: %s" % (pool.start(self.address), e))

    def live_blocks(self):
        return (b for b in self.blocks() if b.state in ("live", "sent"))

    def own_count(self):
        """Blocks and bytes that are handed out, by fief's own counters: as fief_stats would have them."""
        f = self.fields
        if self.is_watched:
            return f.count_watched_blocks, f.count_watched_bytes
        blocks, size = f.count_large_blocks + f.count_watched_blocks, f.count_large_bytes + f.count_watched_bytes
        for _, pool in self.pools:
            if pool.is_small():
                blocks += pool.used
                size += pool.used * pool.block_bytes()
        for address in self.listed():
            blocks -= 1
            size -= self.where_in(address)[0].block_bytes()
        return blocks, size

    def level_text(self):
        sample = self.debug.guards_sample if self.debug is not None else 0
        return self.slot.level_name() + (", 1 in %s guarded" % format(sample, ",") if sample else "")


# ---- fief list --------------------------------------------------------------------------------------------------


def print_table(rows, right):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())


def print_problems(problems, what="not as it should be"):
    for text in problems[:MOST_PROBLEMS]:
        print("  %s: %s" % (what, text))
    if len(problems) > MOST_PROBLEMS:
        print("  and %d more" % (len(problems) - MOST_PROBLEMS))


def list_row(world, slot):
    row = [str(slot.id), '"%s"' % slot.name, slot.state_name(), slot.level_name(), "-", "-", "-", "-"]
    if slot.heap_address == 0:
        return row, []
    try:
        heap = world.heap_of(slot)
    except (Trouble, Unreadable) as e:
        return row, [str(e)]
    blocks, size = heap.own_count()
    row[3:] = [heap.level_text(), format(blocks, ","), format(size, ","), str(len(heap.arenas)),
               size_text(heap.fields.count_charged_bytes)]
    return row, heap.problems


def command_list(world, arguments):
    if arguments:
        raise Trouble("usage: fief list")
    known = world.known()
    rows, problems = [["id", "name", "state", "level", "blocks", "bytes", "arenas", "charged"]], []
    for slot in known:
        row, wrong = list_row(world, slot)
        rows.append(row)
        problems += ["%s: %s" % (slot, text) for text in wrong[:2]]
        if len(wrong) > 2:
            problems.append("%s: and %d more; \"fief check %d\" tells them" % (slot, len(wrong) - 2, slot.id))
        world.heaps.pop(slot.id, None)  # ten thousand of them need not be kept
    if len(rows) == 1:
        print("no interpreter is known")
        return
    print_table(rows, {0, 4, 5, 6, 7})
    print_problems(world.problems + problems)


# ---- fief heap --------------------------------------------------------------------------------------------------


def take_options(arguments, flags, numbers):
    """The options, and what else there is."""
    options, rest, left = {}, [], list(arguments)
    while left:
        word = left.pop(0)
        if word in flags:
            options[word] = True
        elif word in numbers:
            if not left or not left[0].isdigit():
                raise Trouble("%s takes a number" % word)
            options[word] = int(left.pop(0))
        elif word.startswith("--"):
            raise Trouble("there is no option %s" % word)
        else:
            rest.append(word)
    return options, rest


def one_interpreter(world, rest, usage):
    if not rest:
        raise Trouble("usage: " + usage)
    return world.heap_of(world.name_interpreter(" ".join(rest)))


def head_line(heap):
    print("%s (%s, level %s), handle %#x" % (heap.slot, heap.slot.state_name(), heap.level_text(), heap.address))


def print_arenas(heap):
    rows = [["  arena", "start", "size", "granules free"]]
    for arena in heap.arenas[:MOST_SHOWN]:
        free = bin(arena.fields.free_granules).count("1")
        what = "%d of %d" % (free, arena.granules) if arena.granules else "holds one block, or guarded ones"
        rows.append(["  %d" % arena.index, "%#x" % arena.start, size_text(arena.bytes), what])
    print_table(rows, {0, 2})
    if len(heap.arenas) > MOST_SHOWN:
        print("  and %d more" % (len(heap.arenas) - MOST_SHOWN))


def print_pools(heap):
    classes = {}
    listed = collections.Counter(heap.where_in(a)[0].block_bytes() for a in heap.listed())
    for _, pool in heap.pools:
        if pool.is_small():
            row = classes.setdefault(pool.block_bytes(), [0, 0, 0, 0])
            for i, n in enumerate((1, pool.used, pool.carved, pool.capacity)):
                row[i] += n
    rows = [["  class", "pools", "used", "free", "in lists", "carved", "capacity"]]
    for size, (pools, used, carved, capacity) in sorted(classes.items()):
        numbers = (pools, used - listed[size], carved - used, listed[size], carved, capacity)
        rows.append(["  %d" % size] + [format(n, ",") for n in numbers])
    if len(rows) > 1:
        print_table(rows, set(range(7)))
    for state in ("large", "huge", "guarded"):
        found = [pool for _, pool in heap.pools if pool.state == state]
        if found and state == "guarded":
            print("  %s of guarded places: %s, %s live" % (
                counted(len(found), "arena"), format(sum(p.carved for p in found), ","),
                heap.debug.guards_live if heap.debug else "?"))
        elif found:
            print("  %s, %s" % (counted(len(found), state + " block"), size_text(sum(p.large_bytes for p in found))))


def kind_text(world, record):
    if record is None:
        return ""
    tag, domain = world.name_in("tag_texts", record.tag), world.name_in("domain_texts", record.domain)
    return (', tag "%s"' % tag if tag else "") + (", domain %s" % domain if domain else "")


def block_line(world, block):
    line = "  %#x %8s bytes" % (block.address, format(block.size, ","))
    if block.state == "sent":
        line += ", freed by another"
    if block.record is not None:
        line += "%s, allocation %d, %s" % (kind_text(world, block.record), block.record.serial,
                                          world.traces.site(block.record.made_trace))
    return line


def command_heap(world, arguments):
    """fief heap ID-or-name [--blocks] [--class BYTES] [--limit N]"""
    options, rest = take_options(arguments, {"--blocks"}, {"--class", "--limit"})
    heap = one_interpreter(world, rest, command_heap.__doc__)
    head_line(heap)
    print_arenas(heap)
    print_pools(heap)
    limit = options.get("--limit", MOST_SHOWN)
    wanted = options.get("--class")
    show = "--blocks" in options or wanted is not None
    blocks = size = sent = shown = matching = 0
    for block in heap.live_blocks():
        blocks, size, sent = blocks + 1, size + block.size, sent + (block.state == "sent")
        if show and (wanted is None or (block.pool.is_small() and block.pool.block_bytes() == wanted)):
            matching += 1
            if shown < limit:
                shown += 1
                print(block_line(world, block))
    if matching > shown:
        print("  and %s more: see --limit" % format(matching - shown, ","))
    print_total(heap, blocks, size, sent)
    print_problems(heap.problems)


def print_total(heap, blocks, size, sent):
    own = heap.own_count()
    print("total: %s, %s%s" % (counted(blocks, "live block"), counted(size, "byte"),
                               "; of them %d freed by others, and not taken in yet" % sent if sent else ""))
    if own == (blocks, size):
        print("fief counts the same")
    else:
        print("fief counts %s, %s: the heap is damaged, or the program stopped while it was being changed" % (
            counted(own[0], "block"), counted(own[1], "byte")))


# ---- fief leaks -------------------------------------------------------------------------------------------------


def command_leaks(world, arguments):
    """fief leaks ID-or-name [--limit N]"""
    options, rest = take_options(arguments, set(), {"--limit"})
    heap = one_interpreter(world, rest, command_leaks.__doc__)
    limit = options.get("--limit", MOST_SHOWN)
    groups, sent = {}, 0
    for block in heap.blocks():
        if block.state == "live":
            r = block.record
            key = (r.made_trace, r.tag, r.domain) if r is not None else ("size", block.slot_bytes, 0)
            group = groups.setdefault(key, [0, 0, block])
            group[0], group[1] = group[0] + 1, group[1] + block.size
        sent += block.state == "sent"
    head_line(heap)
    if not heap.is_watched:
        print("  its level is off, so that no sites are known: by size" + (
            ", but for the blocks that are guarded" if heap.debug is not None else ""))
    order = sorted(groups.values(), key=lambda g: (-g[1], -g[0], g[2].address))
    for count, size, block in order[:limit]:
        print_group(world, count, size, block)
    if len(order) > limit:
        print("  and %d more: see --limit" % (len(order) - limit))
    print("total: %s live, %s, in %s" % (counted(sum(g[0] for g in order), "block"),
                                         counted(sum(g[1] for g in order), "byte"), counted(len(order), "group")))
    if sent:
        print("  and %s that others have freed, not taken in yet" % counted(sent, "block"))
    print_problems(heap.problems)


def print_group(world, count, size, block):
    if block.record is None:
        print("  %s in %s of %d, the first at %#x" % (counted(size, "byte"), counted(count, "block"), block.slot_bytes,
                                                     block.address))
        return
    print("  %s in %s%s, the first at %#x" % (counted(size, "byte"), counted(count, "block"),
                                             kind_text(world, block.record), block.address))
    print_frames(world, block.record.made_trace)


def print_frames(world, trace):
    for i, line in enumerate(world.traces.frames(trace)):
        print("    #%-2d %s" % (i, line))


# ---- fief check -------------------------------------------------------------------------------------------------


class Check:
    """What fief_check looks at, and the counts besides. The heap stays as it is."""

    ENDS = 512 * 1024  # of a longer fill, only so much at each end is filled

    def __init__(self, heap):
        self.heap, self.world, self.memory = heap, heap.world, heap.memory
        self.fence, self.freed = bytes([heap.world.fence_fill]), bytes([heap.world.freed_fill])
        self.fenced = self.filled = 0

    def complain(self, text):
        self.heap.complain(text)

    # -- bytes --

    def changed(self, data, value):
        """Offsets of the first and the last byte that differ, and how many do; None: none."""
        if data.count(value) == len(data):
            return None
        wrong = [i for i, b in enumerate(data) if b != value[0]]
        return wrong[0], wrong[-1], len(wrong)

    def name(self, block):
        site = self.world.traces.site(block.record.made_trace)
        return "the block %#x of %s%s from %s" % (block.address, counted(block.size, "byte"),
                                                 kind_text(self.world, block.record), site)

    def look_behind(self, block):
        """As fence.c: the first bytes of the fence and, where it is long, its last ones."""
        fence = block.slot_bytes - block.size
        near = fence if fence <= 64 + self.world.fence_bytes else 64
        end = block.address + block.size
        damage = self.changed(self.memory.read(end, near), self.fence)
        if damage is None and near < fence:
            far = self.world.fence_bytes
            damage = self.changed(self.memory.read(block.address + block.slot_bytes - far, far), self.fence)
            damage = damage and tuple(d + (fence - far if i < 2 else 0) for i, d in enumerate(damage))
        if damage is None:
            return
        first, last, count = damage
        if first > 0 and last == fence - 1 and block.pool.is_small():
            self.complain("underflow: %s were changed before the block that follows %s" % (
                counted(count, "byte"), self.name(block)))
        else:
            self.complain("overflow: %s were changed behind %s, the first %d bytes behind its end" % (
                counted(count, "byte"), self.name(block), first) if first else
                          "overflow: %s were changed right behind the end of %s" % (
                              counted(count, "byte"), self.name(block)))

    def look_before(self, block):
        count = self.world.fence_bytes
        if block.pool.is_guarded():
            count = min(count, block.record.offset)
        damage = self.changed(self.memory.read(block.address - count, count), self.fence)
        if damage is not None:
            self.complain("underflow: %s were changed before %s, the nearest %s before its start" % (
                counted(damage[2], "byte"), self.name(block), counted(count - damage[1], "byte")))

    def look_at_freed(self, block):
        size, ends = block.size, self.ENDS
        spans = [(0, size)] if size <= 2 * ends else [(0, ends), (size - ends, ends)]
        for offset, count in spans:
            damage = self.changed(self.memory.read(block.address + offset, count), self.freed)
            if damage is not None:
                self.complain("written after its free: %s of %s were changed, the first at byte %d" % (
                    counted(damage[2], "byte"), self.name(block), offset + damage[0]))
                return

    # -- blocks --

    def look_at_block(self, block, before):
        if block.state in ("live", "sent"):
            if block.size > block.slot_bytes:
                self.complain("the record of the block %#x has a size of %d, which does not fit its slot of %d" % (
                    block.address, block.size, block.slot_bytes))
            elif self.heap.debug.fills:
                self.fenced += 1
                self.look_behind(block)
                if before is None or before.state not in ("live", "sent") or before.index != block.index - 1 or \
                        block.pool.is_guarded():
                    self.look_before(block)
        elif block.state == "held" and not block.pool.is_guarded() and self.heap.debug.fills:
            if block.size <= block.slot_bytes:
                self.filled += 1
                self.look_at_freed(block)

    def look_at_blocks(self):
        watched = []
        for _, pool in self.heap.pools:
            if not self.heap.is_watched and not pool.is_guarded():
                continue
            before = None
            try:
                for block in self.heap.recorded_blocks(pool):
                    watched.append(block)
                    self.look_at_block(block, before)
                    before = block
            except Unreadable as e:
                self.complain("the blocks of the pool at %#x: %s" % (pool.start(self.heap.address), e))
        live = [b for b in watched if b.state in ("live", "sent")]
        self.compare("live blocks", self.heap.fields.count_watched_blocks, len(live))
        self.compare("live bytes", self.heap.fields.count_watched_bytes, sum(b.size for b in live))

    # -- lists --

    def compare(self, what, own, found):
        if own != found:
            self.complain("the handle counts %s %s, and there are %s" % (format(own, ","), what, format(found, ",")))

    def look_at_pools(self):
        for _, pool in self.heap.pools:
            if not pool.is_small():
                continue
            blocks, whole = self.heap.pool_list(pool)
            if whole and len(blocks) != pool.carved - pool.used:
                self.complain("the pool at %#x counts %d free blocks, and its list has %d" % (
                    pool.start(self.heap.address), pool.carved - pool.used, len(blocks)))
            world = self.world
            limit = pool.carved * (world.classes[pool.size_class].multiplier * pool.block_bytes() % WORD) % WORD
            if pool.fields.limit != limit or pool.fields.multiplier != world.classes[pool.size_class].multiplier:
                self.complain("the descriptor of the pool at %#x does not fit its class" % pool.start(self.heap.address))
        in_pools = {address for blocks, _ in self.heap.pool_lists.values() for address in blocks}
        twice = [a for a, times in collections.Counter(self.heap.listed()).items() if times > 1 or a in in_pools]
        for address in twice:
            self.complain("the free block %#x is in two lists" % address)

    def look_at_rings(self):
        heap, world = self.heap, self.world
        classes = len(world.classes)
        data = self.memory.read(heap.address + world.heap_layout.offset("classes"), 8 * classes)
        by_index = {pool.index: pool for _, pool in heap.pools}
        ready = set()
        for size_class in range(classes):
            current, ring = struct.unpack_from("<II", data, 8 * size_class)
            what = "class %d" % world.classes[size_class].bytes
            pool = by_index.get(current)
            if current != 0 and (pool is None or pool.state != "current" or pool.size_class != size_class):
                self.complain("the current pool of %s is none of its own" % what)
            self.look_at_ring(by_index, ring, size_class, what, ready)
        for _, pool in heap.pools:
            if pool.state == "ready" and pool.index not in ready:
                self.complain("the pool at %#x is ready, and in no ring" % pool.start(heap.address))

    def look_at_ring(self, by_index, ring, size_class, what, ready):
        index, before = ring, None
        while index != 0:
            pool = by_index.get(index)
            if pool is None or pool.state != "ready" or pool.size_class != size_class:
                self.complain("the ring of ready pools of %s has an entry that is none" % what)
                return
            if before is not None and pool.fields.prev != before:
                self.complain("the ring of ready pools of %s has a link that does not go back" % what)
                return
            ready.add(index)
            before, index = index, pool.fields.next
            if index == ring:
                return
            if index in ready:
                self.complain("the ring of ready pools of %s goes in a circle beside its start" % what)
                return

    def look_at_arena_lists(self):
        heap = self.heap
        offset, kind = self.world.heap_layout.place("arena_lists")
        heads = self.memory.words(heap.address + offset, kind.sizeof // 8)
        by_address = {arena.address: arena for arena in heap.arenas}
        seen = set()
        for number, head in enumerate(heads, 1):
            address, before = head, 0
            while address != 0:
                arena = by_address.get(address)
                if arena is None or address in seen or arena.fields.list != number or arena.fields.prev != before:
                    self.complain("list %d of the arenas with free granules is damaged at %#x" % (number, address))
                    break
                seen.add(address)
                before, address = address, arena.fields.next
        for arena in heap.arenas:
            free = bin(arena.fields.free_granules).count("1")
            if (free.bit_length() if arena.granules else 0) != arena.fields.list and arena.granules:
                self.complain("arena %d has %d free granules, and is in list %d" % (
                    arena.index, free, arena.fields.list))
            elif arena.fields.list != 0 and arena.address not in seen:
                self.complain("arena %d is in no list, though it has free granules" % arena.index)

    def look_at_quarantine(self):
        debug, picker = self.heap.debug, self.world.record_picker
        self.held, size = 0, 0
        pools = {pool.index: pool for _, pool in self.heap.pools if not pool.is_guarded()}
        reference, seen, last = debug.quarantine_oldest, set(), 0
        while reference != 0:
            if reference in seen:
                self.complain("the quarantine goes in a circle, back to %#x" % reference)
                return
            pool, index = pools.get((reference - 1) >> 16), (reference - 1) & 0xFFFF  # see fi_record_ref
            sheet = self.world.sheet(pool.index) if pool is not None else 0
            record = picker.at(self.memory, sheet + index * picker.bytes) if sheet != 0 else None
            if record is None or self.world.record_states.get(record.state) != "held":
                self.complain("the quarantine has %#x, which is no held block's record" % reference)
                return
            seen.add(reference)
            self.held += 1
            size += pool.block_bytes() if pool.is_small() else pool.large_bytes
            last, reference = reference, record.next
        if last != debug.quarantine_newest and last != 0:
            self.complain("the quarantine does not end in its newest block")
        self.compare("bytes in quarantine", debug.quarantine_bytes, size)

    # -- counts --

    def look_at_counts(self):
        heap, f, page = self.heap, self.heap.fields, self.world.page_bytes
        small = [pool for _, pool in heap.pools if pool.is_small()]
        large = [pool for _, pool in heap.pools if pool.is_large()]
        self.compare("pools", f.count_pools, len(small))
        self.compare("arenas", f.count_arenas, len(heap.arenas))
        self.compare("bytes of address space", f.count_reserved_bytes, sum(a.bytes for a in heap.arenas))
        self.compare("large blocks", f.count_large_blocks, len(large))
        rooms = 0
        if heap.is_watched:
            rooms = sum(1 << (r.room_shift & 63) for pool in large for r in pool.records()[:1])
        self.compare("bytes in large blocks", f.count_large_bytes, sum(p.large_bytes for p in large) + rooms)
        charged = page + sum(p.large_bytes for p in large) + rooms
        for pool in small:
            start = pool.start(heap.address)
            granule = start & -self.world.granule_bytes  # see fi_pool_extent
            first = granule + page if granule == heap.address else granule
            end = round_up(start + pool.carved * pool.block_bytes(), page)
            charged += max(end - first, 0) if pool.carved != 0 else 0
        for _, pool in heap.pools:
            if pool.is_guarded():
                live = sum(r.state in (1, 2) for r in pool.records())
                charged += live * pool.place_bytes()
        self.compare("bytes charged", f.count_charged_bytes, charged)
        if not heap.is_watched:
            blocks = list(heap.live_blocks())
            own = heap.own_count()
            if own != (len(blocks), sum(b.size for b in blocks)):
                self.complain("the pools count %s live blocks, and there are %s" % (
                    format(own[0], ","), format(len(blocks), ",")))

    def run(self):
        heap = self.heap
        parts = [self.look_at_pools, self.look_at_rings, self.look_at_arena_lists, self.look_at_counts]
        if heap.debug is not None:
            parts += [self.look_at_blocks, self.look_at_quarantine]
        self.held = 0
        for part in parts:
            try:
                part()
            except Unreadable as e:
                self.complain(str(e))


def command_check(world, arguments):
    """fief check ID-or-name"""
    _, rest = take_options(arguments, set(), set())
    heap = one_interpreter(world, rest, command_check.__doc__)
    head_line(heap)
    check = Check(heap)
    check.run()
    pools = sum(pool.is_small() for _, pool in heap.pools)
    print("  looked at %s in %s, and %s of free blocks%s" % (
        counted(pools, "pool"), counted(len(heap.arenas), "arena"), counted(len(heap.pool_lists), "list"),
        "" if heap.debug is None else "; at the fences of %s, and at the fill of %s in quarantine" % (
            counted(check.fenced, "block"), counted(check.filled, "block"))))
    if heap.debug is not None and not heap.debug.fills:
        print("  there are no fences and no fills: a tool watches the memory itself")
    elif heap.debug is None:
        print("  at level off there are no fences and no fills to look at")
    if heap.debug is not None and heap.debug.inside_thread != 0:
        print("  thread %d is inside fief: what it was changing may look wrong" % heap.debug.inside_thread)
    print_problems(heap.problems, "wrong")
    print("everything is as it should be" if not heap.problems else "found %s" % counted(len(heap.problems), "problem"))


# ---- fief explain -----------------------------------------------------------------------------------------------


class Explanation:
    def __init__(self, world, address):
        self.world, self.memory, self.address = world, world.memory, address
        self.lines = []

    def add(self, label, text):
        self.lines.append("  %-8s %s" % (label, text))

    def tell(self, verdict):
        print("%#x: %s" % (self.address, verdict))
        for line in self.lines:
            print(line)

    # -- nobody's --

    def own_table(self):
        """Fief's own memory, outside of all arenas."""
        w, granules = self.world, self.world.units << (self.world.unit_shift - self.world.granule_shift)
        tables = [("the descriptor of a granule", w.pools, granules * w.pool_picker.bytes),
                  ("the remote frees of a granule", w.remote, granules * w.remote_words * 8),
                  ("the descriptor of an arena", w.arenas, w.units * w.arena_picker.bytes),
                  ("the heads of the map", w.heads, w.units * 4)]
        tables += [("the slot of %s" % s if s.id else "an empty slot", s.address, w.slot_layout.bytes) for s in w.slots]
        for what, start, size in tables:
            if start <= self.address < start + size:
                return what
        return None

    def without_arena(self):
        table = self.own_table()
        if table is not None:
            self.tell("in fief's own tables, no block: %s" % table)
            return
        if not self.world.is_reserved(self.address):
            symbol = gdb.execute("info symbol %#x" % self.address, to_string=True).strip()
            if not symbol.startswith("No symbol"):
                self.add("symbol", symbol)
            self.tell("not fief's")
            return
        owner = self.world.tombstone(self.address)
        if owner != 0:
            self.add("owner", self.who(owner))
            self.tell("given back: no block is there any more")
        else:
            self.tell("fief's address space, never used")

    def who(self, owner_id):
        for slot in self.world.slots:
            if slot.id == owner_id:
                return "%s (%s, level %s)" % (slot, slot.state_name(), slot.level_name())
        return "interpreter %d (ended; its name is forgotten)" % owner_id

    # -- an arena's --

    def add_arena(self, arena):
        self.add("arena", "%#x, %s, %s%s" % (arena.start, size_text(arena.bytes), arena.state_name(),
                                            ", a host's memory" if arena.fields.from_provider else ""))

    def add_pool(self, pool, owner):
        start = pool.start(owner)
        if pool.is_small():
            self.add("pool", "%#x, blocks of %d bytes, %s: %d used, %d carved, room for %d" % (
                start, pool.block_bytes(), pool.state, pool.used, pool.carved, pool.capacity))
        elif pool.is_guarded():
            self.add("pool", "%#x, %s" % (start, counted(pool.carved, "guarded place")))
        else:
            self.add("pool", "%#x, one %s block of %s" % (start, pool.state, counted(pool.large_bytes, "byte")))

    def run(self):
        arena = self.world.find_arena(self.address)
        if arena is None:
            self.without_arena()
            return
        slot = arena.slot()
        known = slot is not None and slot.id == arena.owner_id
        if arena.owner == 0 or not known:
            self.in_dead(arena, slot if known else None)
            return
        self.add("owner", self.who(slot.id))
        self.add_arena(arena)
        self.in_living(arena, slot)

    def in_dead(self, arena, slot):
        if arena.owner_id == 0:
            self.add_arena(arena)
            self.tell("fief's, and nobody's")
            return
        self.add("owner", self.who(arena.owner_id))
        self.add_arena(arena)
        record = block = None
        if slot is not None and slot.watched != 0:
            block, record = self.record_of_dead(arena)
        if record is not None and self.world.record_states.get(record.state, "none") != "none":
            self.add_block(block, record.size, None, None)
            self.add_history(record)
        self.tell("given back: its interpreter has ended")

    def record_of_dead(self, arena):
        """As explain.c: where blocks were in a pool that its owner's end has closed."""
        w, granule = self.world, arena.granule_of(self.address)
        pool = w.pool_at(arena.first_pool() + granule)
        if arena.granules == 0 and pool.carved != 0:
            return self.guarded_place(pool, arena.start, arena.bytes)[1:3]
        start, first = arena.start + (granule << w.granule_shift), w.record(pool.index, 0)
        if first is None:
            return None, None
        if first.room_shift != 0:
            return start + (1 << (first.room_shift & 63)), first
        if pool.size_class >= len(w.classes):
            return None, None
        size = pool.block_bytes()
        room = min(max(size & -size, 16), 4096)
        start += room + (w.handle_bytes if granule == 0 and arena.fields.holds_handle else 0)
        index = (self.address - start) // size
        return (start + index * size, w.record(pool.index, index)) if index >= 0 else (None, None)

    def guarded_place(self, pool, start, size):
        """The index of the place that an address lies in or beside, its block, its record."""
        offset, page = self.address - start, self.world.page_bytes
        index = (offset // page - (offset >= page)) // 2 if pool.carved > 1 else 0
        record = self.world.record(pool.index, index) if index < pool.carved and offset < size else None
        if record is None:
            return index, None, None
        return index, start + (2 * index + 1) * page + record.offset, record

    # -- a living heap's --

    def in_living(self, arena, slot):
        owner = arena.owner
        if owner <= self.address < owner + self.world.handle_bytes and arena.start == owner:
            self.tell("in the handle of %s, no block" % slot)
            return
        pool = self.world.pool_at(arena.first_pool() + arena.granule_of(self.address))
        if pool.state == "tail":
            pool = self.world.pool_at(max(0, pool.index - pool.carved))
        if pool.state == "none":
            used = pool.generation != 0
            self.tell("given back: no block is there now" if used else "in an arena of %s, never used" % slot)
        elif pool.generation % 2 != 0:
            self.tell("in a pool that was being changed when the program stopped")
        elif pool.is_guarded():
            self.in_guarded(pool, owner)
        elif pool.is_small() or pool.is_large():
            self.in_pool(pool, slot, owner)
        else:
            self.tell("in a pool with a damaged descriptor (%s)" % pool.state)

    def in_pool(self, pool, slot, owner):
        start = pool.start(owner)
        if pool.is_small() and pool.size_class >= len(self.world.classes):
            self.tell("in a pool with a damaged descriptor")
            return
        self.add_pool(pool, owner)
        size = pool.block_bytes() if pool.is_small() else pool.large_bytes
        index = (self.address - start) // size if size else -1
        if not 0 <= index < (pool.carved if pool.is_small() else 1):
            self.tell("in a pool of %s, where no block was ever handed out" % slot)
            return
        block = start + index * size
        record = self.world.record(pool.index, index) if slot.watched else None
        if record is not None and self.world.record_states.get(record.state, "none") == "none":
            self.tell("in a pool of %s, in a slot that was never handed out" % slot)
            return
        self.add_block(block, record.size if record is not None else size, size, index if pool.is_small() else None)
        if record is not None:
            state = self.world.record_states[record.state]
            self.add_history(record)
        else:
            state = self.state_by_lists(pool, slot, block, index)
        self.tell(self.verdict(state, block, record.size if record is not None else size))

    def state_by_lists(self, pool, slot, block, index):
        if index in self.world.sent_bits(pool):
            return "sent"
        if not pool.is_small():
            return "live"
        try:
            mark = self.memory.word(block + 8)
            if mark != block:
                return "live"
            heap = self.world.heap_of(slot)
            if block in heap.listed_set():
                return "listed"
            free, whole = heap.pool_list(pool)
        except (Trouble, Unreadable) as e:
            self.add("but", str(e))
            return "live"
        if block in free:
            return "free"
        if not whole:
            self.add("but", heap.problems[-1])
            return "marked"
        return "live"

    def in_guarded(self, pool, owner):
        start, page = pool.start(owner), self.world.page_bytes
        index, block, record = self.guarded_place(pool, start, pool.large_bytes)
        self.add_pool(pool, owner)
        if record is None:
            self.tell("in an arena of guarded places, beyond the last")
            return
        state = self.world.record_states.get(record.state, "none")
        offset = self.address - start
        first = start + (2 * index + 1) * page
        on_guard = not first <= self.address < first + pool.place_bytes()
        if state == "none":
            self.tell("%s of guarded places, beside place %d, which was never used" % (
                "in a guard page" if on_guard else "in an arena", index))
            return
        self.add_block(block, record.size, pool.place_bytes(), index)
        self.add_history(record)
        if on_guard:
            self.add_next_place(pool, start, index)
            side = "before" if offset < first - start else "behind"
            self.tell("in the guard page %s a %s block" % (side, self.state_text(state)))
        else:
            self.tell(self.verdict("resting" if state == "held" else state, block, record.size))

    def add_next_place(self, pool, start, index):
        """A guard page lies between two."""
        record = self.world.record(pool.index, index + 1) if index + 1 < pool.carved else None
        if record is None or record.state == 0 or self.address < start + self.world.page_bytes:
            return
        block = start + (2 * index + 3) * self.world.page_bytes + record.offset
        self.add("next", "%d bytes before the block %#x of %s (%s)" % (
            block - self.address, block, counted(record.size, "byte"),
            self.state_text(self.world.record_states.get(record.state, "none"))))

    # -- a block --

    def state_text(self, state):
        return {"live": "live", "sent": "live", "held": "freed", "free": "free", "listed": "free",
                "marked": "possibly free"}.get(state, state)

    def verdict(self, state, block, size):
        text = {"live": "a live block",
                "sent": "a block that another freed, and its owner has not taken in yet",
                "held": "a freed block, held in quarantine",
                "resting": "a freed block, its page not to be touched",
                "free": "a free block, back in its pool",
                "listed": "a free block, in the handle's list for the next allocation",
                "marked": "a block that is marked as free, but its pool's list is damaged"}[state]
        if self.address == block:
            return text
        if self.address < block:
            return "%s before %s" % (counted(block - self.address, "byte"), text)
        behind = self.address - block - size
        if behind >= 0 and size != 0:
            return "%s the end of %s" % (counted(behind, "byte") + " behind" if behind else "right behind", text)
        return "interior, %s into %s" % (counted(self.address - block, "byte"), text)

    def add_block(self, block, size, slot_bytes, index):
        text = "%#x, %s" % (block, counted(size, "byte"))
        if slot_bytes is not None and slot_bytes != size:
            text += " asked for, in a slot of %s" % format(slot_bytes, ",")
        if index is not None:
            text += ", index %d" % index
        self.add("block", text)

    def add_history(self, record):
        w, state = self.world, self.world.record_states.get(record.state, "none")
        aligned = 1 << (record.alignment_shift & 63)
        self.add("made", "allocation %d, %s, by thread %d, aligned to %d%s" % (
            record.serial, w.ago(record.made_ms), record.made_thread, aligned, kind_text(w, record)))
        self.add_frames(record.made_trace)
        if state not in ("sent", "held", "free"):
            return
        whom = "for %s" % self.who(record.freed_by) if record.freed_by != 0 else "without a handle"
        self.add("freed", "%s, %s, by thread %d" % (w.ago(record.freed_ms), whom, record.freed_thread))
        self.add_frames(record.freed_trace)

    def add_frames(self, trace):
        self.lines += ["    #%-2d %s" % (i, line) for i, line in enumerate(self.world.traces.frames(trace))]


def command_explain(world, text):
    """fief explain ADDRESS"""
    if not text.strip():
        raise Trouble("usage: " + command_explain.__doc__)
    try:
        address = int(gdb.parse_and_eval(text).cast(gdb.lookup_type("unsigned long"))) % WORD
    except gdb.error as e:
        raise Trouble("that is no address: %s" % e) from None
    Explanation(world, address).run()


# ---- gdb --------------------------------------------------------------------------------------------------------


class Prefix(gdb.Command):
    """Looks at fief: the interpreters of the program, their heaps, and what an address is in them."""

    def __init__(self):
        super().__init__("fief", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)


class Verb(gdb.Command):
    """One command. Whatever goes wrong is a sentence, never a trace of this file."""

    def __init__(self, name, function, help_text, raw=False):
        self.__doc__ = help_text
        self.function, self.raw = function, raw
        super().__init__("fief " + name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION if raw else gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        try:
            if gdb.selected_inferior().pid == 0 and not gdb.selected_inferior().threads():
                raise Trouble("the program does not run: there is no memory to look at")
            self.function(World(), argument if self.raw else gdb.string_to_argv(argument))
        except (Trouble, Unreadable) as e:
            raise gdb.GdbError("fief: %s" % e) from None
        except KeyboardInterrupt:
            raise gdb.GdbError("fief: interrupted") from None
        except Exception as e:  # memory that is worse than was thought of
            raise gdb.GdbError("fief: gave up, by what the memory or the debug information holds: %s: %s" % (
                type(e).__name__, e)) from None


Prefix()
Verb("list", command_list, """Lists the interpreters: fief list

The living ones, and the ended ones whose names are still known. Blocks and bytes are those that are handed out and
not freed; "charged" is what the limits count.""")
Verb("explain", command_explain, """Says what an address is: fief explain ADDRESS

Any expression will do. Whose it is, the arena, the pool and the block that it lies in; whether that is live or freed;
and, from level "check" on, its size, serial, age, tag and domain, and where it was allocated and freed.""", raw=True)
Verb("heap", command_heap, """Walks a heap: fief heap ID-or-name [--blocks] [--class BYTES] [--limit N]

Its arenas, its pools by class, and how many blocks are live, which fief's own count is compared with. --blocks lists
the live blocks, --class those of one class by the size in the first column, --limit says how many at most.""")
Verb("leaks", command_leaks, """Groups the live blocks of a heap: fief leaks ID-or-name [--limit N]

By the site that allocated them, tag and domain, those of most bytes first; at level "off" by size.""")
Verb("check", command_check, """Looks whether a heap is whole: fief check ID-or-name

Lists, rings and counts; from level "check" on also the fences around each block and the fill of what is in quarantine.
Nothing is changed, and nothing is called.""")
