#include "ccurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#define FUNCTIONS(X)                                                                                                   \
    X(curl_global_init)                                                                                                \
    X(curl_easy_init)                                                                                                  \
    X(curl_easy_cleanup)                                                                                               \
    X(curl_easy_setopt)                                                                                                \
    X(curl_easy_getinfo)                                                                                               \
    X(curl_easy_strerror)                                                                                              \
    X(curl_slist_append)                                                                                               \
    X(curl_slist_free_all)                                                                                             \
    X(curl_multi_init)                                                                                                 \
    X(curl_multi_cleanup)                                                                                              \
    X(curl_multi_add_handle)                                                                                           \
    X(curl_multi_remove_handle)                                                                                        \
    X(curl_multi_perform)                                                                                              \
    X(curl_multi_poll)                                                                                                 \
    X(curl_multi_wakeup)                                                                                               \
    X(curl_multi_info_read)                                                                                            \
    X(curl_url)                                                                                                        \
    X(curl_url_cleanup)                                                                                                \
    X(curl_url_set)                                                                                                    \
    X(curl_url_get)                                                                                                    \
    X(curl_free)

static struct {
#define MEMBER(name) __typeof__(&name) name;
    FUNCTIONS(MEMBER)
#undef MEMBER
} libcurl;

static char failure[256];
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(failure, sizeof failure, "%s", dlerror());
        return;
    }
#define RESOLVE(name)                                                                                                  \
    libcurl.name = (__typeof__(&name))dlsym(library, #name);                                                           \
    if (!libcurl.name) {                                                                                               \
        snprintf(failure, sizeof failure, "libcurl.so.4 has no %s", #name);                                            \
        return;                                                                                                        \
    }
    FUNCTIONS(RESOLVE)
#undef RESOLVE
    if (libcurl.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        snprintf(failure, sizeof failure, "libcurl could not be prepared");
        return;
    }
    loaded = true;
}

const char *ccurl_load(void) {
    pthread_once(&once, load);
    return loaded ? NULL : failure;
}

CURL *ccurl_easy_init(void) { return libcurl.curl_easy_init(); }
void ccurl_easy_cleanup(CURL *easy) { libcurl.curl_easy_cleanup(easy); }

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
    return libcurl.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return libcurl.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
    return libcurl.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return libcurl.curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *headers) {
    return libcurl.curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
}
CURLcode ccurl_set_callback(CURL *easy, CURLoption option, ccurl_callback callback) {
    return libcurl.curl_easy_setopt(easy, option, callback);
}
long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    libcurl.curl_easy_getinfo(easy, info, &value);
    return value;
}
void *ccurl_get_private(CURL *easy) {
    char *value = NULL;
    libcurl.curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}
const char *ccurl_error_text(CURLcode code) { return libcurl.curl_easy_strerror(code); }

struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text) {
    return libcurl.curl_slist_append(list, text);
}
void ccurl_slist_free(struct curl_slist *list) { libcurl.curl_slist_free_all(list); }

CURLM *ccurl_multi_init(void) { return libcurl.curl_multi_init(); }
void ccurl_multi_cleanup(CURLM *multi) { libcurl.curl_multi_cleanup(multi); }
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy) { return libcurl.curl_multi_add_handle(multi, easy); }
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy) { return libcurl.curl_multi_remove_handle(multi, easy); }
CURLMcode ccurl_multi_perform(CURLM *multi) {
    int running = 0;
    return libcurl.curl_multi_perform(multi, &running);
}
CURLMcode ccurl_multi_poll(CURLM *multi, int timeout_milliseconds) {
    return libcurl.curl_multi_poll(multi, NULL, 0, timeout_milliseconds, NULL);
}
CURLMcode ccurl_multi_wakeup(CURLM *multi) { return libcurl.curl_multi_wakeup(multi); }
CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = libcurl.curl_multi_info_read(multi, &left))) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

CURLU *ccurl_url(void) { return libcurl.curl_url(); }
void ccurl_url_cleanup(CURLU *url) { libcurl.curl_url_cleanup(url); }
CURLUcode ccurl_url_set(CURLU *url, CURLUPart part, const char *text) { return libcurl.curl_url_set(url, part, text, 0); }
char *ccurl_url_get(CURLU *url, CURLUPart part) {
    char *text = NULL;
    return libcurl.curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}
void ccurl_free(void *memory) { libcurl.curl_free(memory); }
