/// Rows as tab-separated lines under a header line. What all rows share is said once, above.
struct Table {
    struct Column {
        let name: String
        /// The most characters of a cell.
        var limit = 120
        /// Whether it may be said once for all rows.
        var isHoisted = true
    }

    let columns: [Column]
    /// Cells as they came from agents; they are cleaned here.
    let rows: [[String]]

    /// The fewest rows for which it pays to say once what they share.
    private static let hoistedFrom = 3

    var lines: [String] {
        let cells = rows.map { row in zip(columns, row).map { column, text in cell(text, limit: column.limit) } }
        let shared = columns.indices.filter { index in
            columns[index].isHoisted && cells.count >= Self.hoistedFrom
                && cells.allSatisfy { $0[index] == cells[0][index] }
        }
        let kept = columns.indices.filter { !shared.contains($0) }
        var lines: [String] = []
        if !shared.isEmpty {
            lines.append("all: " + shared.map { "\(columns[$0].name)=\(cells[0][$0])" }.joined(separator: " "))
        }
        lines.append(kept.map { columns[$0].name }.joined(separator: "\t"))
        lines += cells.map { row in kept.map { row[$0] }.joined(separator: "\t") }
        return lines
    }
}
