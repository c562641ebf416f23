import IntakeSystem

/// Makes calls of the built command fail, by a library that is loaded before all others.
///
/// It stands for a libcurl that lacks an option, for a kernel without a system call, and for memory that is short.
package struct RefusedCalls: Sendable {
  private let library: String

  /// Compiles the library into a folder.
  package init(in folder: TemporaryFolder) throws {
    library = folder.path + "/refused-calls.so"
    let source = folder.write("refused-calls.c", RefusedCalls.source)
    let launch = ProgramLaunch(
      ["/usr/bin/env", RefusedCalls.compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"],
      environment: ProgramLaunch.cleanEnvironment())
    let outcome = try launch.run(outputLimit: 65_536, seconds: 60)
    guard case .success(.exited(0)) = outcome.end else {
      throw ProgramError("no compiler: \(String(decoding: outcome.errors, as: UTF8.self))")
    }
  }

  /// The variables with which a program meets the refusals.
  ///
  /// - Parameters:
  ///   - option: the number of the option that `curl_easy_setopt` does not know.
  ///   - field: the header field for which `curl_slist_append` has no memory.
  ///   - call: the number of the system call that the kernel does not have.
  package func environment(option: Int? = nil, field: String? = nil, call: Int? = nil)
    -> [String: String]
  {
    var variables = ["LD_PRELOAD": library]
    variables["REFUSED_OPTION"] = option.map { "\($0)" }
    variables["REFUSED_FIELD"] = field
    variables["REFUSED_CALL"] = call.map { "\($0)" }
    return variables
  }

  /// Swift's own compiler is there wherever this package can be built.
  private static let compiler = Interpreter.has("clang", "--version") ? "clang" : "cc"

  private static let source = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdarg.h>
    #include <stdlib.h>
    #include <string.h>

    static int is_refused(const char *name, long number) {
      const char *text = getenv(name);
      return text && atol(text) == number;
    }

    int curl_easy_setopt(void *handle, int option, ...) {
      static int (*next)(void *, int, ...);
      if (is_refused("REFUSED_OPTION", option)) return 48;
      if (!next) next = dlsym(RTLD_NEXT, "curl_easy_setopt");
      va_list rest;
      va_start(rest, option);
      void *value = va_arg(rest, void *);
      va_end(rest);
      return next(handle, option, value);
    }

    void *curl_slist_append(void *list, const char *text) {
      static void *(*next)(void *, const char *);
      const char *refused = getenv("REFUSED_FIELD");
      if (refused && strncmp(text, refused, strlen(refused)) == 0) return NULL;
      if (!next) next = dlsym(RTLD_NEXT, "curl_slist_append");
      return next(list, text);
    }

    long syscall(long number, ...) {
      static long (*next)(long, ...);
      if (is_refused("REFUSED_CALL", number)) {
        errno = ENOSYS;
        return -1;
      }
      if (!next) next = dlsym(RTLD_NEXT, "syscall");
      long words[6];
      va_list rest;
      va_start(rest, number);
      for (int index = 0; index < 6; index++) words[index] = va_arg(rest, long);
      va_end(rest);
      return next(number, words[0], words[1], words[2], words[3], words[4], words[5]);
    }
    """
}
