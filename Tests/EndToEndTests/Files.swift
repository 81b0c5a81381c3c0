import FoundationEssentials
import Glibc

/// Where the tests of this folder are.
let testFolder = String(#filePath.dropLast("/Files.swift".count))
/// The root of the package.
let packageFolder = String(testFolder.dropLast("/Tests/EndToEndTests".count))

/// A program that was built together with these tests.
func product(_ name: String) -> String {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return String(tests.dropLast(tests.split(separator: "/").last?.count ?? 0)) + name
}

/// The Python that `scripts/install.sh --tests` prepares.
let python = packageFolder + "/.build-venv/bin/python"

func contents(of path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
}

/// The files of a folder with that ending, sorted.
func files(in folder: String, ending: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(ending) }.sorted().map { "\(folder)/\($0)" }
}
