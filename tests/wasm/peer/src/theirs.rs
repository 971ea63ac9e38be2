//! The same description, made with wasmparser.

use std::fmt::Write;
use std::ops::Range;

use crate::ours::Restorable;
use wasmparser::*;

/// What src/engine/engine.c leaves switched on.
pub const ENGINE: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST);

/// With external references, which the scan knows although the engine refuses them.
pub const STRICT: WasmFeatures = ENGINE.union(WasmFeatures::GC_TYPES);

pub fn is_valid(wasm: &[u8], features: WasmFeatures) -> Result<()> {
    Validator::new_with_features(features)
        .validate_all(wasm)
        .map(|_| ())
}

macro_rules! define_proposal_of {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*) )*) => {
        /// Which proposal an instruction belongs to, and its name.
        pub fn proposal_of(operator: &Operator) -> (&'static str, &'static str) {
            match operator {
                $( Operator::$op { .. } => (stringify!($proposal), stringify!($op)), )*
                _ => ("unknown", "unknown"),
            }
        }

        /// All instructions of wasmparser with their proposals.
        pub const OPERATORS: &[(&str, &str)] = &[
            $( (stringify!($proposal), stringify!($op)), )*
        ];
    };
}
for_each_operator!(define_proposal_of);

/// Whether the instructions of a proposal are on in the engine.
pub fn is_enabled(proposal: &str) -> bool {
    [
        "mvp",
        "sign_extension",
        "saturating_float_to_int",
        "bulk_memory",
        "reference_types",
        "simd",
        "tail_call",
    ]
    .contains(&proposal)
}

/// One byte for a value type; 0 for a reference that needs more than one.
fn type_byte(of: ValType) -> u8 {
    match of {
        ValType::I32 => 0x7f,
        ValType::I64 => 0x7e,
        ValType::F32 => 0x7d,
        ValType::F64 => 0x7c,
        ValType::V128 => 0x7b,
        ValType::Ref(reference) => reference_byte(reference),
    }
}

fn reference_byte(of: RefType) -> u8 {
    use AbstractHeapType::*;
    let HeapType::Abstract { shared: false, ty } = of.heap_type() else {
        return 0;
    };
    if !of.is_nullable() {
        return 0;
    }
    match ty {
        Func => 0x70,
        Extern => 0x6f,
        Any => 0x6e,
        Eq => 0x6d,
        I31 => 0x6c,
        Struct => 0x6b,
        Array => 0x6a,
        Exn => 0x69,
        NoExn => 0x74,
        NoFunc => 0x73,
        NoExtern => 0x72,
        None => 0x71,
        _ => 0,
    }
}

fn kind_byte(kind: ExternalKind) -> u8 {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => 0,
        ExternalKind::Table => 1,
        ExternalKind::Memory => 2,
        ExternalKind::Global => 3,
        ExternalKind::Tag => 4,
    }
}

fn limits(min: u64, max: Option<u64>, shared: bool, is_64: bool, page: u32) -> String {
    format!(
        " {min}..{}{}{} page {page}",
        max.unwrap_or(u64::MAX),
        if shared { " shared" } else { "" },
        if is_64 { " 64" } else { "" }
    )
}

fn table_limits(t: &TableType) -> String {
    limits(t.initial, t.maximum, t.shared, t.table64, 16)
}

fn memory_limits(m: &MemoryType) -> String {
    limits(
        m.initial,
        m.maximum,
        m.shared,
        m.memory64,
        m.page_size_log2.unwrap_or(16),
    )
}

fn place(wasm: &[u8], slice: &[u8]) -> String {
    if slice.is_empty() {
        return " -".into();
    }
    format!(
        " {}+{}",
        slice.as_ptr() as usize - wasm.as_ptr() as usize,
        slice.len()
    )
}

fn range_place(range: &Option<Range<usize>>) -> String {
    match range {
        Some(range) if !range.is_empty() => format!(" {}+{}", range.start, range.len()),
        _ => " -".into(),
    }
}

pub const CHANGES: [&str; 7] = [
    "table.set",
    "table.init",
    "table.copy",
    "table.fill",
    "table.grow",
    "elem.drop",
    "data.drop",
];

fn change_of(operator: &Operator) -> Option<usize> {
    Some(match operator {
        Operator::TableSet { .. } => 0,
        Operator::TableInit { .. } => 1,
        Operator::TableCopy { .. } => 2,
        Operator::TableFill { .. } => 3,
        Operator::TableGrow { .. } => 4,
        Operator::ElemDrop { .. } => 5,
        Operator::DataDrop { .. } => 6,
        _ => return None,
    })
}

/// What a description is made of, beside its text.
#[derive(Default)]
pub struct Module {
    pub exports: Vec<(String, u8, u32)>,
    pub sections: Vec<(u8, Range<usize>)>,
    pub start: Option<u32>,
    pub globals: Vec<(u8, bool)>, // defined: type, mutable
    pub tables: Vec<(u8, u64)>,   // defined: type, minimum
    pub memories: Vec<MemoryType>,
    pub imported: [u32; 4],
    pub imports_mutable_global: bool,
    /// Of the custom descriptors proposal; wasmparser takes it without asking for the feature.
    pub imports_exact_func: bool,
    pub instructions: u64,
    pub counts: [u32; 7],
    pub first: [usize; 7],
    pub operators: std::collections::BTreeSet<&'static str>,
    pub proposals: std::collections::BTreeSet<&'static str>,
    pub operator_places: Vec<Range<usize>>,
    pub bodies: Vec<Range<usize>>,
    strange_tables: bool,
    mutable_imports: Vec<bool>,
    text: String,
    definitions: String,
    rest: String,
    elements: Option<Range<usize>>,
    code: Option<Range<usize>>,
    elements_count: u32,
    data_count: u32,
    types: u32,
    imports: u32,
    funcs: u32,
}

// As wasm/restorability.h has them.
const GLOBALS_MAX: usize = 1024;
const TABLE_ENTRIES_MAX: u64 = 4096;

impl Module {
    pub fn read(wasm: &[u8], features: WasmFeatures) -> Result<Module> {
        let mut module = Module::default();
        let mut parser = Parser::new(0);
        parser.set_features(features);
        for payload in parser.parse_all(wasm) {
            let payload = payload?;
            if let Some(section) = payload.as_section() {
                module.sections.push(section);
            }
            module.read_payload(wasm, payload)?;
        }
        Ok(module)
    }

    fn read_payload(&mut self, wasm: &[u8], payload: Payload) -> Result<()> {
        match payload {
            Payload::TypeSection(reader) => self.read_types(reader)?,
            Payload::ImportSection(reader) => {
                for import in reader.into_imports() {
                    self.read_import(wasm, import?);
                }
            }
            Payload::FunctionSection(reader) => {
                for func in reader {
                    writeln!(self.definitions, "func {} type {}", self.funcs, func?).unwrap();
                    self.funcs += 1;
                }
            }
            Payload::TableSection(reader) => {
                for table in reader {
                    self.read_table(table?.ty);
                }
            }
            Payload::MemorySection(reader) => {
                for memory in reader {
                    let memory = memory?;
                    let limits = memory_limits(&memory);
                    writeln!(self.definitions, "memory {}{limits}", self.memories.len()).unwrap();
                    self.memories.push(memory);
                }
            }
            Payload::GlobalSection(reader) => {
                for global in reader {
                    let ty = global?.ty;
                    let (byte, is_mutable) = (type_byte(ty.content_type), ty.mutable);
                    let mutable = if is_mutable { " mut" } else { "" };
                    writeln!(
                        self.definitions,
                        "global {} {byte:02x}{mutable}",
                        self.globals.len()
                    )
                    .unwrap();
                    self.globals.push((byte, is_mutable));
                }
            }
            Payload::ExportSection(reader) => {
                for export in reader {
                    self.read_export(wasm, export?);
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(reader) => {
                self.elements = Some(reader.range());
                self.elements_count = reader.count();
            }
            Payload::DataSection(reader) => self.data_count = reader.count(),
            Payload::CodeSectionStart { range, .. } => self.code = Some(range),
            Payload::CodeSectionEntry(body) => self.read_body(body)?,
            _ => {}
        }
        Ok(())
    }

    fn read_types(&mut self, reader: TypeSectionReader) -> Result<()> {
        for group in reader {
            for ty in group?.types() {
                write!(self.text, "type {} ", self.types).unwrap();
                self.types += 1;
                if let CompositeInnerType::Func(func) = &ty.composite_type.inner {
                    for &value in func.params() {
                        write!(self.text, "{:02x}", type_byte(value)).unwrap();
                    }
                    self.text.push(':');
                    for &value in func.results() {
                        write!(self.text, "{:02x}", type_byte(value)).unwrap();
                    }
                    self.text.push('\n');
                } else {
                    self.text.push_str("other\n");
                }
            }
        }
        Ok(())
    }

    fn read_import(&mut self, wasm: &[u8], import: Import) {
        self.imports_exact_func |= matches!(import.ty, TypeRef::FuncExact(_));
        let module = place(wasm, import.module.as_bytes());
        let name = place(wasm, import.name.as_bytes());
        let (kind, what) = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => (0, format!(" type {ty}")),
            TypeRef::Table(t) => (
                1,
                format!(
                    " {:02x}{}",
                    reference_byte(t.element_type),
                    table_limits(&t)
                ),
            ),
            TypeRef::Memory(m) => (2, memory_limits(&m)),
            TypeRef::Global(g) => {
                self.imports_mutable_global |= g.mutable;
                self.mutable_imports.push(g.mutable);
                let mutable = if g.mutable { " mut" } else { "" };
                (3, format!(" {:02x}{mutable}", type_byte(g.content_type)))
            }
            TypeRef::Tag(_) => (4, String::new()),
        };
        let index = self.imports;
        self.imports += 1;
        writeln!(self.text, "import {index}{module}{name} kind {kind}{what}").unwrap();
        if kind < 4 {
            self.imported[kind] += 1;
        }
    }

    fn read_table(&mut self, ty: TableType) {
        let byte = match reference_byte(ty.element_type) {
            known @ (0x70 | 0x6f) => known,
            _ => 0,
        };
        self.strange_tables |= ty.table64 || ty.shared;
        let limits = table_limits(&ty);
        writeln!(
            self.definitions,
            "table {} {byte:02x}{limits}",
            self.tables.len()
        )
        .unwrap();
        self.tables.push((byte, ty.initial));
    }

    fn read_export(&mut self, wasm: &[u8], export: Export) {
        let name = place(wasm, export.name.as_bytes());
        let kind = kind_byte(export.kind);
        let index = self.exports.len();
        writeln!(
            self.rest,
            "export {index}{name} kind {kind} {}",
            export.index
        )
        .unwrap();
        self.exports.push((export.name.into(), kind, export.index));
    }

    fn read_body(&mut self, body: FunctionBody) -> Result<()> {
        self.bodies.push(body.range());
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let at = reader.original_position();
            let operator = reader.read()?;
            self.operator_places.push(at..reader.original_position());
            self.instructions += 1;
            let (proposal, name) = proposal_of(&operator);
            self.operators.insert(name);
            self.proposals.insert(proposal);
            if let Some(change) = change_of(&operator) {
                if self.counts[change] == 0 {
                    self.first[change] = at;
                }
                self.counts[change] += 1;
            }
        }
        Ok(())
    }

    /// The rules of wasm/restorability.h, written down a second time.
    pub fn restorable(&self) -> Restorable {
        let mutable = self.globals.iter().filter(|g| g.1).count();
        let is_out_of_reach = self.imported[1] > 0
            || self.imported[2] > 0
            || self.imports_mutable_global
            || self.memories.len() > 1
            || self
                .memories
                .iter()
                .any(|m| m.shared || m.memory64 || m.page_size_log2.is_some_and(|log2| log2 != 16))
            || self
                .globals
                .iter()
                .any(|&(byte, mutable)| mutable && byte < 0x7b && byte != 0x70)
            || self.tables.iter().any(|&(byte, _)| byte != 0x70)
            || self.strange_tables
            || self.counts[5] > 0
            || self.counts[6] > 0
            || mutable > GLOBALS_MAX;
        let changes_tables = self.counts[..5].iter().any(|&count| count > 0);
        let entries = self
            .tables
            .iter()
            .fold(0u64, |sum, table| sum.saturating_add(table.1));
        if is_out_of_reach || (changes_tables && entries > TABLE_ENTRIES_MAX) {
            Restorable::No
        } else if changes_tables {
            Restorable::Tables
        } else {
            Restorable::Yes
        }
    }

    pub fn globals_mutable(&self) -> Vec<u32> {
        (0..)
            .zip(&self.globals)
            .filter(|(_, global)| global.1)
            .map(|(index, _)| self.imported[3] + index)
            .collect()
    }

    pub fn describe(&self) -> String {
        let [funcs, tables, memories, globals] = self.imported;
        let mut text = format!(
            "{}imported {funcs} {tables} {memories} {globals}\n{}{}",
            self.text, self.definitions, self.rest
        );
        if let Some(start) = self.start {
            writeln!(text, "start {start}").unwrap();
        }
        writeln!(text, "element segments {}", self.elements_count).unwrap();
        writeln!(text, "data segments {}", self.data_count).unwrap();
        writeln!(text, "code{}", range_place(&self.code)).unwrap();
        writeln!(text, "elements{}", range_place(&self.elements)).unwrap();
        writeln!(text, "instructions {}", self.instructions).unwrap();
        for (i, name) in CHANGES.iter().enumerate() {
            writeln!(text, "{name} {} first {}", self.counts[i], self.first[i]).unwrap();
        }
        let is_mutable: Vec<bool> = self
            .mutable_imports
            .iter()
            .copied()
            .chain(self.globals.iter().map(|g| g.1))
            .collect();
        let mut exported: Vec<u32> = self
            .exports
            .iter()
            .filter(|e| e.1 == 3)
            .map(|e| e.2)
            .collect();
        exported.sort();
        exported.dedup();
        let exported = exported
            .iter()
            .filter(|&&index| is_mutable[index as usize])
            .count();
        let mutable = is_mutable.iter().filter(|&&mutable| mutable).count();
        writeln!(text, "mutable globals {mutable} exported {exported}").unwrap();
        writeln!(text, "memories {}", memories + self.memories.len() as u32).unwrap();
        writeln!(text, "tables {}", tables + self.tables.len() as u32).unwrap();
        let verdict = match self.restorable() {
            Restorable::Yes => "yes",
            Restorable::Tables => "yes, with its tables",
            Restorable::No => "no",
        };
        writeln!(text, "restorable: {verdict}").unwrap();
        text
    }
}
