/* host/http_host.h - the functions of astrid:http/host, by file. */
#ifndef BHI_HOST_HTTP_HOST_H
#define BHI_HOST_HTTP_HOST_H

#include "abi/generated/http.h"

/* http_request.c */
bool bhi_http_request(bhi_guest *guest, const bhi_http_request_data *data,
                      bhi_http_response_data_result *ret);

/* http_stream.c */
bool bhi_http_stream_start(bhi_guest *guest, const bhi_http_request_data *data,
                           bhi_http_stream_result *ret);
void bhi_http_stream_drop(void *stream);
bool bhi_http_stream_status(bhi_guest *guest, bhi_http_stream *stream, uint16_t *ret);
bool bhi_http_stream_headers(bhi_guest *guest, bhi_http_stream *stream,
                             bhi_http_key_value_pair_list *ret);
bool bhi_http_stream_read_chunk(bhi_guest *guest, bhi_http_stream *stream,
                                bhi_http_bytes_result *ret);
bool bhi_http_stream_close(bhi_guest *guest, bhi_http_stream *stream, bhi_http_unit_result *ret);
bool bhi_http_stream_subscribe_readable(bhi_guest *guest, bhi_http_stream *stream,
                                        bhi_poll_pollable **ret);
bool bhi_http_stream_body_stream(bhi_guest *guest, bhi_http_stream *stream,
                                 bhi_streams_input_stream **ret);

#endif
