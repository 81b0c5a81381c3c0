import Glibc

/// Keeps the real standard output for the protocol, and points descriptor 1 at standard error: whatever a library
/// prints can then not get between the messages. To be called before anything else.
///
/// - Returns: the descriptor to write messages to; child processes do not get it. In a process without a standard
///   output what is written there goes nowhere.
package func keepStandardOutput() -> Int32 {
    let kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
    dup2(STDERR_FILENO, STDOUT_FILENO)
    return kept >= 0 ? kept : open("/dev/null", O_WRONLY | O_CLOEXEC)
}
