import Glibc
import TestSupport
import Testing

/// Where files are that tests compare with.
let goldens = String(#filePath.dropLast("/Files.swift".count)) + "/Goldens"
let packageFolder = String(goldens.dropLast("/Tests/ClientSetupTests/Goldens".count))

/// Nil where there is no such file.
func contents(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while case let count = read(descriptor, &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

func put(_ text: String, at path: String, mode: mode_t = 0o600) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    let bytes = Array(text.utf8)
    precondition(
        descriptor >= 0 && write(descriptor, bytes, bytes.count) == bytes.count && fchmod(descriptor, mode) == 0)
    close(descriptor)
}

/// The names in a folder, sorted.
func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

func mode(of path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

/// A text against what was recorded; `RECORD=1` records it.
func check(_ text: String, against path: String) throws {
    if environment("RECORD") == "1" {
        put(text, at: path, mode: 0o644)
    } else {
        #expect(text == contents(of: path), "RECORD=1 rewrites \(path)")
    }
}

/// A folder of one test, which is gone afterwards with all that is in it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/client-setup-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(path) }

    private func remove(_ path: String) {
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            chmod(path, 0o700)
            for name in names(in: path) { remove("\(path)/\(name)") }
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
