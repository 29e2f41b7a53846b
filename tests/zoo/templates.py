"""Chat templates that speak as the families' own do: the same turns, marks and objections.

Worded here, shorter than the originals: no tools, no images, one kind of content each.
"""

# Gemma 3: no system turn; a system message goes in front of the first user's. Roles alternate.
GEMMA = """{{ bos_token }}
{%- set first = '' -%}
{%- if messages[0]['role'] == 'system' -%}
  {%- set first = messages[0]['content'] + '\\n\\n' -%}
  {%- set messages = messages[1:] -%}
{%- endif -%}
{%- for message in messages -%}
  {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
    {{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
  {%- endif -%}
  {{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else 'user') + '\\n' }}
  {{- first if loop.first else '' }}{{ message['content'] | trim }}{{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""

# TranslateGemma: one item of content with both languages' codes, and nothing else.
TRANSLATE_GEMMA = """{%- set languages = {'en': 'English', 'en-US': 'English', 'ru': 'Russian', 'uk': 'Ukrainian'} -%}
{{ bos_token }}
{%- if messages[0]['role'] != 'user' -%}
  {{ raise_exception('Conversations must start with a user prompt.') }}
{%- endif -%}
{%- for message in messages -%}
  {%- if message['content'] is string or message['content'] | length != 1 -%}
    {{ raise_exception('User role must provide `content` as an iterable with exactly one item.') }}
  {%- endif -%}
  {%- set item = message['content'][0] -%}
  {%- set one = item['source_lang_code'] | replace('_', '-') -%}
  {%- set other = item['target_lang_code'] | replace('_', '-') -%}
  {{ '<start_of_turn>user\\nTranslate ' + languages[one] + ' (' + one + ') into ' + languages[other] }}
  {{- ' (' + other + '):\\n\\n\\n' + item['text'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""

# Qwen 2.5: turns of ChatML, with a system message of its own where none is given.
QWEN2 = """{%- if messages[0]['role'] == 'system' -%}
  {{ '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
  {%- set messages = messages[1:] -%}
{%- else -%}
  {{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
  {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

# Qwen 3: no system message unless given; thinks aloud first unless told not to.
QWEN3 = """{%- for message in messages -%}
  {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|im_start|>assistant\\n' }}
  {%- if enable_thinking is defined and enable_thinking is false -%}
    {{ '<think>\\n\\n</think>\\n\\n' }}
  {%- endif -%}
{%- endif -%}"""

# Llama 3.2: a system turn always, with the day of asking in it unless a day is given.
LLAMA3 = """{%- if not date_string is defined -%}
  {%- set date_string = strftime_now('%d %b %Y') -%}
{%- endif -%}
{{ bos_token }}{{ '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{{- 'Today Date: ' + date_string + '\\n\\n' }}
{%- if messages[0]['role'] == 'system' -%}
  {{ messages[0]['content'] | trim }}
  {%- set messages = messages[1:] -%}
{%- endif -%}
{{ '<|eot_id|>' }}
{%- for message in messages -%}
  {{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}
  {{- message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"""
