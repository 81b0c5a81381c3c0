#pragma once

// Types only: nothing here makes the program need libcurl before ccurl_load was called.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

// libcurl's variadic functions are not imported by Swift, and linking it would cost every start of the program its
// thirty libraries. So it is loaded on demand, and these are its functions with one type each.

// Loads libcurl and prepares it. Safe from any thread; does its work once.
// Returns NULL, or why it cannot be used.
const char *ccurl_load(void);

// All of the following need a successful ccurl_load first.

CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *easy);
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
// The string is copied; with CURLOPT_COPYPOSTFIELDS as many bytes as CURLOPT_POSTFIELDSIZE_LARGE says.
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode ccurl_set_headers(CURL *easy, struct curl_slist *headers);
typedef size_t (*ccurl_callback)(char *bytes, size_t size, size_t count, void *context);
CURLcode ccurl_set_callback(CURL *easy, CURLoption option, ccurl_callback callback);
long ccurl_get_long(CURL *easy, CURLINFO info);
void *ccurl_get_private(CURL *easy);
const char *ccurl_error_text(CURLcode code);

// Adds a copy of the text; NULL when out of memory, the list is unchanged then.
struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text);
void ccurl_slist_free(struct curl_slist *list);

CURLM *ccurl_multi_init(void);
void ccurl_multi_cleanup(CURLM *multi);
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy);
// Lets all transfers go on as far as they can without waiting.
CURLMcode ccurl_multi_perform(CURLM *multi);
// Waits until a transfer can go on, the time is over or ccurl_multi_wakeup was called.
CURLMcode ccurl_multi_poll(CURLM *multi, int timeout_milliseconds);
// Safe from any thread.
CURLMcode ccurl_multi_wakeup(CURLM *multi);
// The next transfer that is done, and how it ended; NULL when there is none.
CURL *ccurl_multi_next_done(CURLM *multi, CURLcode *result);

CURLU *ccurl_url(void);
void ccurl_url_cleanup(CURLU *url);
CURLUcode ccurl_url_set(CURLU *url, CURLUPart part, const char *text);
// The part's text, to be given to ccurl_free; NULL when there is none.
char *ccurl_url_get(CURLU *url, CURLUPart part);
void ccurl_free(void *memory);
